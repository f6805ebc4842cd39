#include "fs/core/former_stack.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fs/core/policy.h"
#include "fs/core/stack_check.h"

namespace veneer::core {
namespace {

using Stack = std::vector<const Candidate*>;

const Candidate* Find(const std::vector<Candidate>& candidates, const std::string& id) {
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Candidate& candidate) { return candidate.record.id == id; });
  return found == candidates.end() ? nullptr : &*found;
}

bool IsPatch(const Candidate& candidate) {
  return candidate.manifest.kind == format::LayerKind::kPatch;
}

// The former stack as far as it is there, each patch with what it requires.
Stack Remaining(const std::vector<Candidate>& candidates, const FormerStack& former, ChosenStack& chosen) {
  Stack stack;
  std::set<std::string> components;
  for (const std::string& id : former.layers) {
    const Candidate* layer = Find(candidates, id);
    if (layer == nullptr) {
      chosen.missing.push_back(id);
      continue;
    }
    const auto& needs = layer->manifest.requires_components;
    const auto lost = std::find_if(needs.begin(), needs.end(),
                                   [&](const std::string& need) { return !components.contains(need); });
    if (lost != needs.end()) {
      chosen.left_out.push_back(
          {layer, true, fmt::format("{}: requires {}, which is not there", layer->manifest.name, *lost)});
      continue;
    }
    if (IsPatch(*layer)) components.insert(layer->manifest.component);
    stack.push_back(layer);
  }
  return stack;
}

bool IsStack(const Stack& layers) {
  std::vector<const format::Manifest*> manifests;
  for (const Candidate* layer : layers) manifests.push_back(&layer->manifest);
  return !layers.empty() && CheckStack(manifests).has_value();
}

bool IsBelowFloor(const Stack& stack, const PlanFacts& facts) {
  return std::any_of(stack.begin(), stack.end(), [&](const Candidate* layer) {
    return IsPatch(*layer) && !JudgeFloor(layer->manifest, facts.security_floor).passed;
  });
}

bool HasWithdrawn(const Stack& stack, const PlanFacts& facts) {
  return std::any_of(stack.begin(), stack.end(), [&](const Candidate* layer) {
    return IsPatch(*layer) && facts.withdrawn.contains(layer->record.id);
  });
}

}  // namespace

Result<ChosenStack> ChooseStack(const std::vector<Candidate>& candidates, const FormerStack& former,
                                const PlanFacts& facts) {
  ChosenStack chosen;
  const Stack stack = Remaining(candidates, former, chosen);
  const bool bound = !former.certain && !former.reverted;
  if (!IsStack(stack) || (bound && IsBelowFloor(stack, facts))) {
    chosen.left_out.clear();
    auto planned = PlanActivation(candidates, {}, {}, facts);
    if (planned) {
      chosen.layers = std::move(planned->layers);
    } else if (planned.error().code() != ErrorCode::kNotFound) {
      return tl::unexpected<Error>(std::move(planned).error());
    }
    return chosen;
  }
  for (const Candidate* layer : stack) chosen.layers.push_back(layer->record.id);
  if (HasWithdrawn(stack, facts)) {
    VENEER_ASSIGN(Plan planned, PlanWithdrawal(candidates, chosen.layers, facts));
    chosen.layers = std::move(planned.layers);
    chosen.left_out.insert(chosen.left_out.end(), planned.left_out.begin(), planned.left_out.end());
  }
  chosen.from_former = true;
  chosen.kept = chosen.layers == former.layers;
  return chosen;
}

}  // namespace veneer::core
