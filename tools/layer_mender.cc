#include "tools/layer_mender.h"

#include <algorithm>
#include <memory>
#include <set>

#include "fs/catalog/catalog_lock.h"
#include "fs/io/clock.h"
#include "fs/io/file_ops.h"
#include "tools/no_memory.h"
#include "tools/progress.h"
#include "tools/store_change.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 8 << 20;

// The layer itself, and then all others of the store, whether a generation holds them or not.
std::vector<scan::Donor> DonorsFor(const core::Candidate& layer, const catalog::Store::SealedLayer& sealed,
                                   const std::vector<core::Candidate>& layers, const catalog::Store& store) {
  std::vector<scan::Donor> donors = {
      {layer.record.id, [&]() -> Result<scan::Donor::Blocks> {
         return scan::Donor::Blocks{sealed.file, layer::LayoutOf(sealed.signed_manifest.manifest)};
       }}};
  for (const core::Candidate& other : layers) {
    if (other.record.id == layer.record.id) continue;
    // What the catalog says is not trusted, nor need it be: a donor's trailer may be damaged, or its signer
    // revoked.
    donors.push_back({other.record.id, [&]() -> Result<scan::Donor::Blocks> {
                        VENEER_ASSIGN(auto file, store.OpenFile(other.record));
                        return scan::Donor::Blocks{std::move(file), layer::LayoutOf(other.manifest)};
                      }});
  }
  return donors;
}

struct Mending {
  std::string name;
  scan::Repair repair;
};

// Mends while no other change of the store is under way.
Result<std::optional<Mending>> Mend(const Globals& globals, const catalog::Store& store,
                                    const std::string& id) {
  VENEER_ASSIGN(const UniqueFd lock,
                catalog::HoldCatalog(store.catalog_path(), kPatience, WaitNotice(globals)));
  // Read under the lock: until now it may have been removed, or put in place again.
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const auto records, catalog->Layers());
  VENEER_ASSIGN(const auto layers, core::CandidatesOf(records));
  const auto layer = std::find_if(layers.begin(), layers.end(), [&](const core::Candidate& candidate) {
    return candidate.record.id == id;
  });
  if (layer == layers.end()) return std::optional<Mending>();
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const catalog::Store::OpenBlocks opened,
                store.OpenReader(layer->record, *trust, std::make_shared<verity::BlockCache>(kCacheBytes)));
  VENEER_ASSIGN(const UniqueFd file,
                io::OpenForWriting(opened.sealed.file->fd(), opened.sealed.file->name()));
  Progress progress(globals);
  VENEER_ASSIGN(scan::Repair repair,
                scan::RepairLayer(opened.reader, DonorsFor(*layer, opened.sealed, layers, store),
                                  store.disk(), file.get(), progress.Reporter()));
  return std::optional<Mending>({layer->manifest.name, std::move(repair)});
}

Status Record(const Globals& globals, const std::string& id, const Mending& mending) {
  const scan::Repair& repair = mending.repair;
  if (repair.mended.empty()) return {};
  std::set<std::string> from;
  for (const auto& [block, donor] : repair.mended) from.insert(donor);
  VENEER_ASSIGN(const StoreChange change, OpenForChange(globals));
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  catalog::Update update;
  update.AddEvent({0, io::SystemClock().Now(), "repair", state.current, ActingUser("scan"),
                   fmt::format("{} {}: {} of {} damaged blocks, from {}", mending.name, id,
                               repair.mended.size(), repair.scan.findings.size(), fmt::join(from, ", "))});
  return change.catalog->Commit(std::move(update));
}

}  // namespace

Result<std::optional<MendedLayer>> MendLayer(const Globals& globals, const std::string& id) {
  VENEER_ASSIGN(const auto store, catalog::Store::Open(globals.store, globals.trust, globals.medium));
  VENEER_ASSIGN(auto mending, Mend(globals, store, id));
  if (!mending) return std::optional<MendedLayer>();
  Status recorded = Guarded([&] { return Record(globals, id, *mending); });
  return std::optional<MendedLayer>({std::move(mending->repair), std::move(recorded)});
}

}  // namespace veneer::tools
