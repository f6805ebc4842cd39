#include "tools/layer_mender.h"

#include <algorithm>
#include <memory>
#include <set>

#include "fs/io/clock.h"
#include "fs/io/file_ops.h"
#include "tools/progress.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 8 << 20;

scan::Donor::Blocks BlocksOf(const catalog::Store::SealedLayer& sealed) {
  return {sealed.file, layer::LayoutOf(sealed.signed_manifest.manifest)};
}

}  // namespace

Result<scan::Repair> LayerMender::Mend(const std::string& id) {
  if (!change_) change_ = OpenForChange(globals_);
  if (!*change_) return tl::unexpected(change_->error());
  StoreChange& change = **change_;
  // Read under the lock: until now it may have been removed, or put in place again.
  VENEER_ASSIGN(layers_, change.Candidates());
  const auto layer = std::find_if(layers_.begin(), layers_.end(), [&](const core::Candidate& candidate) {
    return candidate.record.id == id;
  });
  if (layer == layers_.end()) return Fail(ErrorCode::kNotFound, "layer {} was removed meanwhile", id);
  VENEER_ASSIGN(const catalog::Store::OpenBlocks opened,
                change.store.OpenReader(layer->record, *change.trust,
                                        std::make_shared<verity::BlockCache>(kCacheBytes)));
  VENEER_ASSIGN(const UniqueFd file,
                io::OpenForWriting(opened.sealed.file->fd(), opened.sealed.file->name()));
  Progress progress(globals_);
  VENEER_ASSIGN(scan::Repair repair, scan::RepairLayer(opened.reader, Donors(*layer, opened.sealed),
                                                       change.store.disk(), file.get(), progress.Reporter()));
  if (Status recorded = Record(*layer, repair); !recorded && repair.failure) {
    repair.failure = std::move(recorded);
  }
  return repair;
}

// The layer itself, and then all others of the store, whether a generation holds them or not.
std::vector<scan::Donor> LayerMender::Donors(const core::Candidate& layer,
                                             const catalog::Store::SealedLayer& sealed) const {
  std::vector<scan::Donor> donors = {
      {layer.record.id, [&sealed]() -> Result<scan::Donor::Blocks> { return BlocksOf(sealed); }}};
  const StoreChange& change = **change_;
  for (const core::Candidate& other : layers_) {
    if (other.record.id == layer.record.id) continue;
    donors.push_back({other.record.id, [&]() -> Result<scan::Donor::Blocks> {
                        VENEER_ASSIGN(const auto opened,
                                      change.store.OpenSealed(other.record, *change.trust));
                        return BlocksOf(opened);
                      }});
  }
  return donors;
}

Status LayerMender::Record(const core::Candidate& layer, const scan::Repair& repair) {
  if (repair.mended.empty()) return {};
  std::set<std::string> from;
  for (const auto& [block, id] : repair.mended) from.insert(id);
  VENEER_ASSIGN(const catalog::State state, (*change_)->catalog->ReadState());
  catalog::Update update;
  update.AddEvent(
      {0, io::SystemClock().Now(), "repair", state.current, ActingUser("scan"),
       fmt::format("{} {}: {} of {} damaged blocks, from {}", layer.manifest.name, layer.record.id,
                   repair.mended.size(), repair.scan.findings.size(), fmt::join(from, ", "))});
  return (*change_)->catalog->Commit(std::move(update));
}

}  // namespace veneer::tools
