#include "fs/core/withdrawal.h"

#include <algorithm>
#include <filesystem>

#include "fs/core/policy.h"
#include "fs/core/rollback_guard.h"
#include "fs/core/signed_layers.h"
#include "fs/format/manifest.h"
#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/io/list_folder.h"

namespace veneer::core {
namespace {

constexpr uint8_t kDerSequence = 0x30;

// That the store's own layer, where it has it, is a patch and the one that people are told of.
Status CheckNamedLayer(const format::Withdrawal& withdrawal, const catalog::Catalog& catalog,
                       const std::string& file) {
  VENEER_ASSIGN(const auto record, catalog.Layer(withdrawal.layer));
  if (!record) return {};
  VENEER_ASSIGN(const format::Manifest manifest, format::ParseManifest(AsBytes(record->manifest)));
  if (manifest.kind == format::LayerKind::kBase) {
    return Fail(ErrorCode::kNotApplicable, "{}: names {}, which is a base and cannot be withdrawn", file,
                manifest.name);
  }
  if (manifest.component != withdrawal.component || manifest.sequence != withdrawal.sequence) {
    return Fail(ErrorCode::kCorrupt, "{}: calls layer {} {} ({}), where it is {} ({})", file,
                withdrawal.layer, withdrawal.component, format::SequenceLetter(withdrawal.sequence),
                manifest.component, format::SequenceLetter(manifest.sequence));
  }
  return {};
}

Result<SignedWithdrawal> ReadStored(const catalog::Store& store, const std::string& layer,
                                    const crypto::TrustStore& trust) {
  const std::string path = store.WithdrawalPath(layer);
  VENEER_ASSIGN(const auto file, io::PosixFile::Open(path));
  VENEER_ASSIGN(auto stored, ReadSignedWithdrawal(*file, trust, crypto::TimeCheck::None()));
  if (stored.withdrawal.layer != layer) {
    return Fail(ErrorCode::kCorrupt, "{}: withdraws layer {}, which is not its name", path,
                stored.withdrawal.layer);
  }
  return stored;
}

Status WriteStored(const catalog::Store& store, const SignedWithdrawal& withdrawal) {
  Status made = store.disk().MakeFolder(store.withdrawals_path());
  if (!made && made.error().code() != ErrorCode::kExists) return made;
  VENEER_TRY(store.disk().SyncFolder(store.path()));  // one that is there may be new all the same
  return io::WriteFileAtomically(store.WithdrawalPath(withdrawal.withdrawal.layer), withdrawal.der, 0444,
                                 store.disk());
}

}  // namespace

Result<bool> LooksLikeWithdrawal(const io::RandomAccessFile& file) {
  if (file.size() == 0 || file.size() > kMaxWithdrawalFile) return false;
  std::array<uint8_t, 1> first{};
  VENEER_TRY(file.ReadExact(0, first));
  if (first[0] != kDerSequence) return false;
  std::array<uint8_t, sizeof(format::RawTrailer)> last{};
  if (file.size() < last.size()) return true;
  VENEER_TRY(file.ReadExact(file.size() - last.size(), last));
  return !format::DecodeTrailer(last, file.size()).has_value();
}

Result<SignedWithdrawal> ReadSignedWithdrawal(const io::RandomAccessFile& file,
                                              const crypto::TrustStore& trust, crypto::TimeCheck time) {
  if (file.size() > kMaxWithdrawalFile) {
    return Fail(ErrorCode::kCorrupt, "{}: {} bytes are too many for a withdrawal", file.name(), file.size());
  }
  SignedWithdrawal result;
  result.der.resize(file.size());
  VENEER_TRY(file.ReadExact(0, result.der));
  auto content = crypto::CmsVerify(result.der, trust, crypto::Role::kFeed, time);
  if (!content) return tl::unexpected<Error>(content.error().Within(file.name()));
  auto withdrawal = format::ParseWithdrawal(content->content);
  if (!withdrawal) return tl::unexpected<Error>(withdrawal.error().Within(file.name()));
  result.withdrawal = std::move(*withdrawal);
  result.signers = std::move(content->signers);
  return result;
}

Result<TakenWithdrawal> TakeWithdrawal(const io::RandomAccessFile& file, const catalog::Store& store,
                                       catalog::Catalog& catalog, const crypto::TrustStore& trust,
                                       int64_t now, const std::string& by) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  const int64_t judged_at = BelievedTime(state, now);
  TakenWithdrawal taken;
  VENEER_ASSIGN(taken.signed_withdrawal, ReadSignedWithdrawal(file, trust, crypto::TimeCheck::At(judged_at)));
  const format::Withdrawal& withdrawal = taken.signed_withdrawal.withdrawal;
  VENEER_TRY(CheckNamedLayer(withdrawal, catalog, file.name()));
  if (state.withdrawn.contains(withdrawal.layer) && ReadStored(store, withdrawal.layer, trust)) {
    taken.already = true;
    return taken;
  }
  VENEER_ASSIGN(RollbackGuard guard, RollbackGuard::Begin(trust.policy(), state));
  VENEER_TRY(WriteStored(store, taken.signed_withdrawal));
  catalog::Update update;
  update.SetWithdrawn(withdrawal.layer, static_cast<uint64_t>(std::max<int64_t>(judged_at, 0)));
  update.SetLatestTime(static_cast<uint64_t>(std::max<int64_t>(judged_at, 0)));
  update.AddEvent(
      {0, now, "withdraw", state.current, by,
       fmt::format("{} ({}) {}: {}", withdrawal.component, format::SequenceLetter(withdrawal.sequence),
                   withdrawal.layer, withdrawal.reason)});
  guard.AddTo(update);
  VENEER_TRY(catalog.Commit(std::move(update)));
  VENEER_TRY(guard.Finish());
  return taken;
}

Result<std::vector<SignedWithdrawal>> FindWithdrawals(const catalog::Store& store,
                                                      const crypto::TrustStore& trust,
                                                      std::vector<Error>& passed_over) {
  std::vector<SignedWithdrawal> found;
  const auto names = io::ListFolder(store.withdrawals_path());
  if (!names && names.error().code() == ErrorCode::kNotFound) return found;
  if (!names && names.error().code() == ErrorCode::kCorrupt) {
    passed_over.emplace_back(ErrorCode::kDamaged,
                             fmt::format("{}, where signed withdrawals are kept; run: rm {}",
                                         names.error().message(), store.withdrawals_path()));
    return found;
  }
  if (!names) return tl::unexpected<Error>(names.error());
  for (const std::string& name : *names) {
    auto stored = ReadStored(store, std::filesystem::path(name).stem().string(), trust);
    if (stored) {
      found.push_back(std::move(*stored));
    } else if (TellsOfFile(stored.error())) {
      passed_over.push_back(std::move(stored).error());
    } else {
      return Fail(stored.error().code(), "{}; try again, or move it away to go on without it",
                  stored.error().message());
    }
  }
  return found;
}

std::map<std::string, std::string> WithdrawalReasons(const catalog::Store& store, const catalog::State& state,
                                                     const crypto::TrustStore& trust) {
  std::map<std::string, std::string> reasons;
  for (const auto& [layer, time] : state.withdrawn) {
    const auto stored = ReadStored(store, layer, trust);
    reasons[layer] = stored ? stored->withdrawal.reason
                            : fmt::format("the reason is not at hand: {}", stored.error().message());
  }
  return reasons;
}

Status RefuseWithdrawn(const std::vector<std::string>& layers, const std::vector<std::string>& current,
                       const std::map<std::string, std::string>& reasons) {
  for (size_t i = 1; i < layers.size(); ++i) {
    const auto withdrawn = reasons.find(layers[i]);
    if (withdrawn == reasons.end()) continue;
    if (std::find(current.begin(), current.end(), layers[i]) != current.end()) continue;
    return Fail(ErrorCode::kWithdrawn, "layer {} is withdrawn by its publisher: {}; run: veneer revert --all",
                layers[i], withdrawn->second);
  }
  return {};
}

}  // namespace veneer::core
