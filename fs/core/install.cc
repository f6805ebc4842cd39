#include "fs/core/install.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fs/core/rollback_guard.h"
#include "fs/core/stack_plan.h"
#include "fs/core/withdrawal.h"
#include "fs/io/file_ops.h"
#include "fs/scan/scan.h"

namespace veneer::core {
namespace {

constexpr size_t kCacheBytes = 8 << 20;  // hash blocks of one layer while it is checked
constexpr uint16_t kAnySlot = 1;         // for a cache of one layer's own

// Opens the copy behind `file` and checks it whole. It must be the layer that was judged.
Status VerifyCopy(const io::AtomicFile& file, const std::string& name, const layer::SignedManifest& judged,
                  const crypto::TrustStore& trust, int64_t judged_at, const layer::Progress& progress) {
  UniqueFd fd(::open(file.temporary_path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return FailErrno(errno, file.temporary_path());
  VENEER_ASSIGN(std::shared_ptr<const io::PosixFile> copy, io::PosixFile::FromFd(std::move(fd), name));
  copy->DropCached();
  VENEER_ASSIGN(const auto layer,
                layer::Layer::Open(copy, trust, crypto::TimeCheck::At(judged_at),
                                   std::make_shared<verity::BlockCache>(kCacheBytes), kAnySlot));
  if (layer->id() != judged.id) return Fail(ErrorCode::kCorrupt, "{}: changed while it was copied", name);
  VENEER_ASSIGN(const scan::LayerScan scan, scan::ScanLayer(*layer, progress));
  if (scan.findings.empty()) return {};
  const scan::Finding& first = scan.findings.front();
  return Fail(ErrorCode::kCorrupt, "{}: {} of {} blocks do not match their signed hash, the first is {}{}",
              name, scan.findings.size(), scan.blocks, first.block,
              first.paths.empty() ? "" : fmt::format(" of /{}", first.paths.front()));
}

Status CopyIn(const io::PosixFile& source, const catalog::Store& store, const layer::SignedManifest& judged,
              const crypto::TrustStore& trust, int64_t judged_at, const layer::Progress& progress) {
  VENEER_ASSIGN(io::AtomicFile file,
                io::AtomicFile::Create(store.LayerPath(judged.id + ".layer"), 0444, store.disk()));
  VENEER_TRY(file.Copy(source.fd(), 0, source.size(), source.name()));
  VENEER_TRY(file.Sync());  // what is on the disk is what is to be verified
  VENEER_TRY(VerifyCopy(file, source.name(), judged, trust, judged_at, progress));
  return file.Commit();
}

// Whether the installed file of `record` is what was signed, to its last block.
Result<bool> IsIntact(const catalog::LayerRecord& record, const catalog::Store& store,
                      const crypto::TrustStore& trust, const layer::Progress& progress) {
  const auto opened = store.OpenReader(record, trust, std::make_shared<verity::BlockCache>(kCacheBytes));
  if (!opened) return false;
  VENEER_ASSIGN(const scan::LayerScan scan, scan::ScanReader(opened->reader, progress));
  return scan.findings.empty();
}

Status Record(const layer::SignedManifest& judged, catalog::Catalog& catalog, RollbackGuard& guard,
              int64_t now, int64_t judged_at, const std::string& by) {
  const format::Manifest& manifest = judged.manifest;
  VENEER_ASSIGN(const uint16_t slot, catalog.TakeSlot());
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  catalog::Update update;
  update.PutLayer({judged.id, slot, judged.id + ".layer", judged.text, now});
  if (manifest.kind == format::LayerKind::kPatch) {
    update.SetHighestSequence(manifest.component, manifest.sequence);
    const auto floor = state.security_floor.find(manifest.component);
    const uint32_t known_floor = floor == state.security_floor.end() ? 0 : floor->second;
    if (manifest.security_floor.value_or(0) > known_floor) {
      update.SetSecurityFloor(manifest.component, *manifest.security_floor);
    }
  }
  update.SetLatestTime(static_cast<uint64_t>(std::max<int64_t>(judged_at, 0)));
  update.AddEvent({0, now, "install", state.current, by, fmt::format("{} {}", manifest.name, judged.id)});
  guard.AddTo(update);
  return catalog.Commit(std::move(update));
}

Status RecordRepair(const layer::SignedManifest& judged, catalog::Catalog& catalog, uint64_t generation,
                    int64_t now, const std::string& by) {
  catalog::Update update;
  update.AddEvent({0, now, "repair", generation, by, fmt::format("{} {}", judged.manifest.name, judged.id)});
  return catalog.Commit(std::move(update));
}

}  // namespace

Result<InstallFacts> GatherFacts(const catalog::Store& store, const catalog::Catalog& catalog,
                                 const crypto::TrustStore& trust) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  VENEER_ASSIGN(const auto records, catalog.Layers());
  VENEER_ASSIGN(const auto candidates, CandidatesOf(records));
  std::string current_base;
  if (state.current != 0) {
    VENEER_ASSIGN(const auto generation, catalog.Generation(state.current));
    if (generation && !generation->layers.empty()) current_base = generation->layers.front();
  }
  InstallFacts facts{.bases = {},
                     .model = trust.policy().model,
                     .highest_sequence = state.highest_sequence,
                     .security_floor = state.security_floor,
                     .withdrawn = WithdrawalReasons(store, state, trust),
                     .components = {}};
  for (const Candidate& candidate : candidates) {
    if (candidate.manifest.kind == format::LayerKind::kPatch) {
      if (facts.withdrawn.contains(candidate.record.id)) continue;
      facts.components.push_back(candidate.manifest.component);
    } else if (candidate.record.id == current_base) {
      facts.bases.insert(facts.bases.begin(), *candidate.manifest.os);
    } else {
      facts.bases.push_back(*candidate.manifest.os);
    }
  }
  return facts;
}

Result<InstallResult> Install(const io::PosixFile& file, const catalog::Store& store,
                              catalog::Catalog& catalog, const crypto::TrustStore& trust, int64_t now,
                              const std::string& by, const layer::Progress& progress) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  const int64_t judged_at = BelievedTime(state, now);
  InstallResult result;
  result.file_size = file.size();
  VENEER_ASSIGN(result.signed_manifest,
                layer::ReadSignedManifest(file, trust, crypto::TimeCheck::At(judged_at)));
  const layer::SignedManifest& judged = result.signed_manifest;
  VENEER_ASSIGN(const auto known, catalog.Layer(judged.id));
  result.already = known.has_value();
  if (known) {
    VENEER_ASSIGN(const bool intact, IsIntact(*known, store, trust, progress));
    result.repaired = !intact;
  }
  if (result.repaired) {
    VENEER_TRY(CopyIn(file, store, judged, trust, judged_at, progress));
    VENEER_TRY(RecordRepair(judged, catalog, state.current, now, by));
    return result;
  }
  VENEER_ASSIGN(const InstallFacts facts, GatherFacts(store, catalog, trust));
  VENEER_TRY(FirstRefusal(JudgeInstall(judged.id, judged.manifest, facts), file.name()));
  if (known) return result;
  VENEER_ASSIGN(RollbackGuard guard, RollbackGuard::Begin(trust.policy(), state));
  VENEER_TRY(CopyIn(file, store, judged, trust, judged_at, progress));
  // Where this fails the record may be on the disk all the same, so the file stays: if not, gc takes it.
  VENEER_TRY(Record(judged, catalog, guard, now, judged_at, by));
  VENEER_TRY(guard.Finish());
  return result;
}

}  // namespace veneer::core
