#include "fs/core/examine.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "fs/core/install.h"
#include "fs/core/stack_plan.h"
#include "fs/format/utc_time.h"
#include "fs/scan/scan.h"

namespace veneer::core {
namespace {

using crypto::TimeCheck;

constexpr size_t kCacheBytes = 8 << 20;
constexpr uint16_t kAnySlot = 1;  // for a cache of one layer's own

Check Passed(std::string name, std::string detail) {
  return {std::move(name), true, ErrorCode::kFailed, std::move(detail)};
}

// `message` without the words of `prefix` in front, which stand elsewhere in the answer.
std::string_view Behind(std::string_view message, const std::string& prefix) {
  if (message.starts_with(prefix + ": ")) message.remove_prefix(prefix.size() + 2);
  return message;
}

Check Skipped(std::string name, std::string why) {
  Check check{std::move(name), false, ErrorCode::kFailed, std::move(why)};
  check.skipped = true;
  return check;
}

// One examination, question by question.
class Examiner {
 public:
  Examiner(std::shared_ptr<const io::PosixFile> file, const catalog::Store& store,
           const catalog::Catalog& catalog)
      : file_(std::move(file)), store_(store), catalog_(catalog) {}

  Status Prepare(int64_t now);
  void AskForm();
  void AskSignature();
  Status AskBlocks(const layer::Progress& progress);
  Status AskPolicy();
  Status AskPaths();
  Examination Finish() { return std::move(result_); }

 private:
  void AskRevocation();
  void AskTime();
  Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenPlanned() const;
  Check Failed(std::string name, const Error& error) const;
  void Add(Check check) { result_.checks.push_back(std::move(check)); }

  std::shared_ptr<const io::PosixFile> file_;
  const catalog::Store& store_;
  const catalog::Catalog& catalog_;
  std::shared_ptr<const crypto::TrustStore> trust_;
  std::shared_ptr<const crypto::TrustStore> without_lists_;
  int64_t judged_at_ = 0;
  InstallFacts facts_;
  std::shared_ptr<const layer::Layer> layer_;
  Examination result_;
};

Check Examiner::Failed(std::string name, const Error& error) const {
  std::string detail(Behind(Behind(error.message(), file_->name()), name));
  return {std::move(name), false, error.code(), std::move(detail)};
}

Status Examiner::Prepare(int64_t now) {
  VENEER_ASSIGN(trust_, store_.LoadTrust());
  VENEER_ASSIGN(without_lists_, crypto::TrustStore::LoadWithoutRevocation(trust_->path()));
  VENEER_ASSIGN(const catalog::State state, catalog_.ReadState());
  judged_at_ = BelievedTime(state, now);
  VENEER_ASSIGN(facts_, GatherFacts(store_, catalog_, *trust_));
  return {};
}

void Examiner::AskForm() {
  auto claim = layer::ReadUnverifiedManifest(*file_);
  if (!claim) {
    Add(Failed("form", claim.error()));
    return;
  }
  Add(Passed("form", fmt::format("{} layer {}", format::KindWord(claim->manifest.kind), claim->id)));
  result_.claim = std::move(*claim);
}

void Examiner::AskSignature() {
  auto read = layer::ReadSignedManifest(*file_, *without_lists_, TimeCheck::None());
  if (!read) {
    Add(Failed("signature", read.error()));
    Add(Skipped("revocation", "the signature does not hold"));
    Add(Skipped("time", "the signature does not hold"));
    return;
  }
  std::vector<std::string> names;
  for (const crypto::SignerDescription& signer : read->signers) names.push_back(signer.subject);
  Add(Passed("signature", fmt::format("for a {}, by {}", format::KindWord(read->manifest.kind),
                                      fmt::join(names, " and by "))));
  result_.claim = std::move(*read);
  result_.authentic = true;
  AskRevocation();
  AskTime();
}

void Examiner::AskRevocation() {
  const auto read = layer::ReadSignedManifest(*file_, *trust_, TimeCheck::None());
  Add(read ? Passed("revocation", "no certificate is on a list") : Failed("revocation", read.error()));
}

void Examiner::AskTime() {
  const auto read = layer::ReadSignedManifest(*file_, *without_lists_, TimeCheck::At(judged_at_));
  Add(read
          ? Passed("time", fmt::format("every certificate is valid at {}", format::FormatUtcTime(judged_at_)))
          : Failed("time", read.error()));
}

Status Examiner::AskBlocks(const layer::Progress& progress) {
  if (!result_.authentic) {
    Add(Skipped("blocks", "nothing that can be trusted says what they should be"));
    return {};
  }
  auto layer = layer::Layer::Open(file_, *without_lists_, TimeCheck::None(),
                                  std::make_shared<verity::BlockCache>(kCacheBytes), kAnySlot);
  if (!layer) {
    Add(Failed("blocks", layer.error()));
    return {};
  }
  VENEER_ASSIGN(const scan::LayerScan scan, scan::ScanLayer(**layer, progress));
  if (!scan.findings.empty()) {
    const std::string text =
        fmt::format("{} of {} blocks do not match their signed hash", scan.findings.size(), scan.blocks);
    Add(Failed("blocks", Error(ErrorCode::kCorrupt, text)));
    return {};
  }
  Add(Passed("blocks", fmt::format("all {} match their signed hash", scan.blocks)));
  layer_ = std::move(*layer);
  return {};
}

Status Examiner::AskPolicy() {
  if (!result_.claim) {
    Add(Skipped("policy", "there is no manifest to judge"));
    return {};
  }
  for (Check& check : JudgeInstall(result_.claim->id, result_.claim->manifest, facts_)) Add(std::move(check));
  return {};
}

// The stack that activating the layer would make, itself opened from its file.
Result<std::vector<std::shared_ptr<const layer::Layer>>> Examiner::OpenPlanned() const {
  VENEER_ASSIGN(const auto records, catalog_.Layers());
  VENEER_ASSIGN(auto candidates, CandidatesOf(records));
  const auto& claim = *result_.claim;
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.record.id == claim.id; });
  candidates.push_back({{claim.id, UINT16_MAX, claim.id + ".layer", claim.text, 0}, claim.manifest});
  VENEER_ASSIGN(const auto current, catalog_.CurrentGeneration());
  const PlanFacts facts{facts_.model, facts_.security_floor, facts_.withdrawn};
  VENEER_ASSIGN(const Plan plan,
                PlanActivation(candidates, current ? current->layers : std::vector<std::string>(),
                               {&candidates.back()}, facts));
  std::vector<std::shared_ptr<const layer::Layer>> stack;
  const auto cache = std::make_shared<verity::BlockCache>(kCacheBytes);
  for (const std::string& id : plan.layers) {
    if (id == claim.id) {
      stack.push_back(layer_);
      continue;
    }
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const Candidate& candidate) { return candidate.record.id == id; });
    VENEER_ASSIGN(auto opened, store_.OpenLayer(found->record, *trust_, cache));
    stack.push_back(std::move(opened));
  }
  return stack;
}

Status Examiner::AskPaths() {
  if (layer_ == nullptr) {
    Add(Skipped("paths", "what is inside is not looked at"));
    return {};
  }
  const auto stack = OpenPlanned();
  // Another check has said why it cannot be activated now.
  if (!stack && IsRefusal(stack.error().code())) {
    Add(Skipped("paths", stack.error().message()));
    return {};
  }
  if (!stack) return tl::unexpected<Error>(stack.error());
  const Status checked = CheckPathConflicts(*stack);
  Add(checked ? Passed("paths", "no patch of the current stack is in the way")
              : Failed("paths", checked.error()));
  return {};
}

}  // namespace

Result<Examination> Examine(const std::shared_ptr<const io::PosixFile>& file, const catalog::Store& store,
                            const catalog::Catalog& catalog, int64_t now, const layer::Progress& progress) {
  Examiner examiner(file, store, catalog);
  VENEER_TRY(examiner.Prepare(now));
  examiner.AskForm();
  examiner.AskSignature();
  VENEER_TRY(examiner.AskBlocks(progress));
  VENEER_TRY(examiner.AskPolicy());
  VENEER_TRY(examiner.AskPaths());
  return examiner.Finish();
}

}  // namespace veneer::core
