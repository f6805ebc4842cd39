#include "tools/activation.h"

#include <algorithm>

#include "tools/output.h"

namespace veneer::tools {
namespace {

void ShowLeftOut(const core::Plan& plan, Output& output) {
  Json list = Json::array();
  for (const core::LeftOut& left_out : plan.left_out) {
    const core::Candidate& patch = *left_out.patch;
    output.Note("{}: {}", left_out.active ? "falls away" : "left out", left_out.why);
    list.push_back({{"id", patch.record.id},
                    {"name", patch.manifest.name},
                    {"component", patch.manifest.component},
                    {"active", left_out.active},
                    {"why", left_out.why}});
  }
  output.json()["left_out"] = std::move(list);
}

}  // namespace

Status ActivateLayers(StoreChange& change, const std::vector<std::string>& words,
                      const SwitchOptions& options, Output& output) {
  VENEER_ASSIGN(const auto candidates, change.Candidates());
  std::vector<const core::Candidate*> wanted;
  for (const std::string& word : words) {
    output.SetLayer(word);
    VENEER_ASSIGN(const core::Candidate* candidate, core::FindCandidate(candidates, word));
    output.SetLayer(candidate->record.id);
    wanted.push_back(candidate);
  }
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  VENEER_ASSIGN(const core::PlanFacts facts, change.Facts());
  VENEER_ASSIGN(const core::Plan plan, core::PlanActivation(candidates, current, wanted, facts));
  ShowLeftOut(plan, output);
  return SwitchTo(change, plan.layers, {"activate", "activate"}, options, output);
}

Status RevertWithdrawn(StoreChange& change, Output& output) {
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  VENEER_ASSIGN(const core::PlanFacts facts, change.Facts());
  const bool active = std::any_of(current.begin(), current.end(), [&](const std::string& id) {
    return id != current.front() && facts.withdrawn.contains(id);
  });
  if (!active) return {};
  VENEER_ASSIGN(auto candidates, change.Candidates());
  VENEER_ASSIGN(core::Plan plan, core::PlanWithdrawal(candidates, current, facts));
  if (const auto sound = OpenSoundStack(change, plan.layers, 0); !sound) {
    output.Note("no later letter takes its place: {}", sound.error().message());
    std::erase_if(candidates, [&](const core::Candidate& candidate) {
      return std::find(current.begin(), current.end(), candidate.record.id) == current.end();
    });
    VENEER_ASSIGN(plan, core::PlanWithdrawal(candidates, current, facts));
  }
  ShowLeftOut(plan, output);
  return SwitchTo(change, plan.layers, {"install", "revert", "a patch of it is withdrawn"}, {}, output);
}

}  // namespace veneer::tools
