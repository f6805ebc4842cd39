#include "tools/stack_view.h"

#include <sys/stat.h>

#include "fs/core/stack.h"
#include "fs/core/stack_check.h"
#include "fs/core/stack_plan.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 16 << 20;

Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenLayers(const StoreReading& reading,
                                                                    const std::vector<std::string>& ids) {
  VENEER_ASSIGN(auto layers, reading.store.OpenStack(*reading.catalog, ids, *reading.trust,
                                                     std::make_shared<verity::BlockCache>(kCacheBytes)));
  std::vector<const format::Manifest*> manifests;
  for (const auto& layer : layers) manifests.push_back(&layer->manifest());
  VENEER_TRY(core::CheckStack(manifests));
  return layers;
}

Result<StackView> ViewOf(std::vector<std::shared_ptr<const layer::Layer>> layers, uint64_t generation) {
  VENEER_ASSIGN(auto view, core::View::Build(generation, core::StackOf(layers)));
  return StackView{std::move(layers), std::move(view)};
}

}  // namespace

Result<StoreReading> OpenForReading(const Globals& globals) {
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(auto trust, store.LoadTrust());
  return StoreReading{std::move(store), std::move(catalog), std::move(trust)};
}

Result<StackView> OpenStackView(const StoreReading& reading, const std::vector<std::string>& ids,
                                uint64_t generation) {
  VENEER_ASSIGN(auto layers, OpenLayers(reading, ids));
  return ViewOf(std::move(layers), generation);
}

Result<StackView> OpenSoundStack(const StoreReading& reading, const std::vector<std::string>& ids,
                                 uint64_t generation) {
  VENEER_ASSIGN(auto layers, OpenLayers(reading, ids));
  // First, since it names the patch that cannot be read.
  VENEER_TRY(core::CheckPathConflicts(layers));
  return ViewOf(std::move(layers), generation);
}

Result<catalog::GenerationRecord> FindGeneration(const catalog::Catalog& catalog, uint64_t number) {
  if (number == 0) {
    VENEER_ASSIGN(auto current, catalog.CurrentGeneration());
    if (current) return *std::move(current);
    return Fail(ErrorCode::kNotFound, "no generation is current; run: veneer install BASE --activate");
  }
  VENEER_ASSIGN(auto generation, catalog.Generation(number));
  if (!generation) return Fail(ErrorCode::kNotFound, "no generation {}; run: veneer history", number);
  for (const std::string& id : generation->layers) {
    VENEER_ASSIGN(const auto layer, catalog.Layer(id));
    if (!layer) {
      return Fail(ErrorCode::kNotFound,
                  "generation {} holds layer {}, which is not installed any more; run: veneer install FILE",
                  number, id);
    }
  }
  return *std::move(generation);
}

const char* KindOf(const erofs::Inode& inode) {
  if (inode.IsWhiteout()) return "whiteout";
  switch (inode.mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "folder";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

}  // namespace veneer::tools
