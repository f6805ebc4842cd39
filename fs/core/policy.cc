#include "fs/core/policy.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace veneer::core {
namespace {

bool Contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Check CheckModel(const std::vector<std::string>& models, const std::string& model) {
  const bool passed = models.empty() || Contains(models, model);
  std::string detail = models.empty() ? "for any model"
                                      : fmt::format("for {}, this machine is {}", fmt::join(models, ", "),
                                                    model.empty() ? "of no said model" : model);
  return {"model", passed, ErrorCode::kNotApplicable, std::move(detail)};
}

bool AllPassed(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.passed; });
}

// Over the base that fits best: one that passes, or else the first.
std::vector<Check> CheckBases(const format::Manifest& patch, const InstallFacts& facts) {
  if (facts.bases.empty()) {
    return {{"system", false, ErrorCode::kNotApplicable, "no base is installed; install the base first"}};
  }
  for (const format::OsInfo& base : facts.bases) {
    auto checks = JudgeApplicability(patch, base, facts.model);
    if (AllPassed(checks)) return checks;
  }
  return JudgeApplicability(patch, facts.bases.front(), facts.model);
}

Check CheckSequence(const format::Manifest& patch, const InstallFacts& facts) {
  const auto seen = facts.highest_sequence.find(patch.component);
  const uint32_t highest = seen == facts.highest_sequence.end() ? 0 : seen->second;
  return {
      "sequence", patch.sequence >= highest, ErrorCode::kDowngrade,
      fmt::format("{} ({}), the highest seen of {} is {}", patch.sequence,
                  format::SequenceLetter(patch.sequence), patch.component,
                  highest == 0 ? "none" : fmt::format("{} ({})", highest, format::SequenceLetter(highest)))};
}

Check CheckWithdrawn(const std::string& id, const InstallFacts& facts) {
  const auto found = facts.withdrawn.find(id);
  if (found == facts.withdrawn.end()) return {"withdrawn", true, ErrorCode::kWithdrawn, "no"};
  return {"withdrawn", false, ErrorCode::kWithdrawn, fmt::format("by its publisher: {}", found->second)};
}

Check CheckRequires(const format::Manifest& patch, const InstallFacts& facts) {
  for (const std::string& component : patch.requires_components) {
    if (!Contains(facts.components, component)) {
      return {"requires", false, ErrorCode::kMissingRequirement,
              fmt::format("{} is not installed", component)};
    }
  }
  return {"requires", true, ErrorCode::kMissingRequirement,
          patch.requires_components.empty() ? "nothing"
                                            : fmt::format("{}", fmt::join(patch.requires_components, ", "))};
}

}  // namespace

std::vector<Check> JudgeApplicability(const format::Manifest& patch, const format::OsInfo& base,
                                      const std::string& model) {
  const format::AppliesTo& target = *patch.applies_to;
  return {{"system", target.id == base.id, ErrorCode::kNotApplicable,
           fmt::format("for {}, the base is {}", target.id, base.id)},
          {"version", Contains(target.versions, base.version), ErrorCode::kNotApplicable,
           fmt::format("for {}, the base is {}", fmt::join(target.versions, ", "), base.version)},
          CheckModel(target.models, model)};
}

Check JudgeFloor(const format::Manifest& patch, const std::map<std::string, uint32_t>& floors) {
  const auto mark = floors.find(patch.component);
  const uint32_t floor = mark == floors.end() ? 0 : mark->second;
  return {"floor", patch.sequence >= floor, ErrorCode::kDowngrade,
          fmt::format("{} ({}), the security floor of {} is {}", patch.sequence,
                      format::SequenceLetter(patch.sequence), patch.component,
                      floor == 0 ? "none" : fmt::format("{} ({})", floor, format::SequenceLetter(floor)))};
}

int64_t BelievedTime(const catalog::State& state, int64_t now) {
  return std::max(now, static_cast<int64_t>(state.latest_time));
}

std::vector<Check> JudgeInstall(const std::string& id, const format::Manifest& manifest,
                                const InstallFacts& facts) {
  if (manifest.kind == format::LayerKind::kBase) return {CheckModel(manifest.os->models, facts.model)};
  std::vector<Check> checks = CheckBases(manifest, facts);
  checks.push_back(CheckWithdrawn(id, facts));
  checks.push_back(CheckSequence(manifest, facts));
  checks.push_back(JudgeFloor(manifest, facts.security_floor));
  checks.push_back(CheckRequires(manifest, facts));
  return checks;
}

Status FirstRefusal(const std::vector<Check>& checks, const std::string& name) {
  for (const Check& check : checks) {
    if (!check.passed) return Fail(check.refusal, "{}: {}: {}", name, check.name, check.detail);
  }
  return {};
}

}  // namespace veneer::core
