#include "tests/crash/store_state.h"

#include <filesystem>

#include "fs/catalog/store.h"
#include "fs/scan/scan.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kCacheBytes = 1 << 20;

Result<std::vector<std::string>> LayersOf(const catalog::Catalog& catalog, uint64_t number) {
  if (number == 0) return std::vector<std::string>();
  VENEER_ASSIGN(const auto generation, catalog.Generation(number));
  if (!generation) return Fail(ErrorCode::kDamaged, "generation {} is not recorded", number);
  return generation->layers;
}

Status VerifyLayer(const catalog::Store& store, const catalog::LayerRecord& record,
                   const crypto::TrustStore& trust) {
  VENEER_ASSIGN(const auto layer,
                store.OpenLayer(record, trust, std::make_shared<verity::BlockCache>(kCacheBytes)));
  VENEER_ASSIGN(const auto scan, scan::ScanLayer(*layer, {}));
  if (scan.findings.empty()) return {};
  return Fail(ErrorCode::kDamaged, "{}: {} damaged blocks", record.id, scan.findings.size());
}

Result<StoreState> Read(const std::string& path) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(path));
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::State marks, catalog->ReadState());
  StoreState state;
  VENEER_ASSIGN(state.current, LayersOf(*catalog, marks.current));
  VENEER_ASSIGN(state.pending, LayersOf(*catalog, marks.pending));
  state.sequences = marks.highest_sequence;
  state.floors = marks.security_floor;
  for (const auto& [layer, time] : marks.withdrawn) state.withdrawn.insert(layer);
  VENEER_ASSIGN(const auto records, catalog->Layers());
  for (const catalog::LayerRecord& record : records) {
    VENEER_TRY(VerifyLayer(store, record, *trust));
    state.installed.insert(record.id);
  }
  for (const std::string& id : state.current) {
    if (!state.installed.contains(id)) return Fail(ErrorCode::kDamaged, "{}: current, not installed", id);
  }
  return state;
}

}  // namespace

std::optional<StoreState> ReadWholeStore(const std::string& path, std::string& wrong) {
  auto state = Read(path);
  if (state) return std::move(*state);
  wrong = state.error().message();
  return std::nullopt;
}

std::set<std::string> LeftoversIn(const std::string& path, const StoreState& state) {
  std::set<std::string> left;
  for (const auto& entry : stdfs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    const bool known = name == "veneer-store.json" || name == "trust" || name == "ballast" ||
                       name == "layers" || name == "withdrawals" || name == "catalog";
    if (!known) left.insert(name);
  }
  for (const auto& entry : stdfs::directory_iterator(path + "/layers")) {
    if (!state.installed.contains(entry.path().stem())) left.insert(entry.path().filename());
  }
  if (!stdfs::exists(path + "/withdrawals")) return left;
  for (const auto& entry : stdfs::directory_iterator(path + "/withdrawals")) {
    if (entry.path().extension() != ".withdrawal") left.insert(entry.path().filename());
  }
  return left;
}

}  // namespace veneer::test
