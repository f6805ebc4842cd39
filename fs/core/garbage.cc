#include "fs/core/garbage.h"

#include <algorithm>
#include <map>

namespace veneer::core {
namespace {

// Why a generation's layers stay; empty if they need not.
std::string ReasonToKeep(const GarbageFacts& facts, uint64_t number) {
  if (number == facts.state.current) return "of the current generation";
  if (number == facts.state.pending) return "of the pending generation";
  if (number == facts.state.last_good) return "of the last good generation";
  if (facts.mounted.contains(number)) return fmt::format("of generation {}, which is mounted", number);
  return "";
}

// The newest generations before the current one, other than it and each other, `keep` of them.
std::vector<const catalog::GenerationRecord*> FormerGenerations(const GarbageFacts& facts) {
  std::vector<const catalog::GenerationRecord*> former;
  std::set<std::vector<std::string>> stacks;
  for (const auto& generation : facts.generations) {
    if (generation.number == facts.state.current) stacks.insert(generation.layers);
  }
  for (auto it = facts.generations.rbegin(); it != facts.generations.rend(); ++it) {
    if (former.size() == facts.keep) break;
    if (it->number < facts.state.current && stacks.insert(it->layers).second) former.push_back(&*it);
  }
  return former;
}

bool IsSuperseded(const GarbageFacts& facts, const Candidate& layer) {
  if (layer.manifest.kind != format::LayerKind::kPatch) return false;
  return std::any_of(facts.layers.begin(), facts.layers.end(), [&](const Candidate& other) {
    return other.manifest.kind == format::LayerKind::kPatch &&
           other.manifest.component == layer.manifest.component &&
           other.manifest.sequence > layer.manifest.sequence;
  });
}

}  // namespace

std::vector<Verdict> JudgeGarbage(const GarbageFacts& facts) {
  std::map<std::string, std::string> needed;  // reason, by layer id
  std::set<std::string> used;                 // ids of all generations
  for (const auto& generation : facts.generations) {
    used.insert(generation.layers.begin(), generation.layers.end());
    const std::string reason = ReasonToKeep(facts, generation.number);
    if (reason.empty()) continue;
    for (const std::string& id : generation.layers) needed.emplace(id, reason);
  }
  for (const catalog::GenerationRecord* generation : FormerGenerations(facts)) {
    for (const std::string& id : generation->layers)
      needed.emplace(id, fmt::format("of generation {}, to go back to", generation->number));
  }
  std::vector<Verdict> verdicts;
  for (const Candidate& layer : facts.layers) {
    const auto found = needed.find(layer.record.id);
    if (found != needed.end()) {
      verdicts.push_back({&layer, true, found->second});
    } else if (IsSuperseded(facts, layer)) {
      verdicts.push_back({&layer, false, "superseded by a newer sequence"});
    } else if (!used.contains(layer.record.id)) {
      verdicts.push_back({&layer, true, "waits to be activated"});
    } else {
      verdicts.push_back({&layer, false, "of former generations only"});
    }
  }
  return verdicts;
}

}  // namespace veneer::core
