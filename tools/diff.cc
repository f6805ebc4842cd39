#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "fs/core/stack_plan.h"
#include "fs/core/view_diff.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/stack_view.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string before;
  std::string after;  // empty: the current generation
};

// One side of the comparison.
struct Side {
  std::string name;  // as a person reads it
  std::vector<std::string> layers;
};

// `patch` and what it requires, the newest of each, whatever they require too.
Result<std::vector<const core::Candidate*>> WithRequirements(const std::vector<core::Candidate>& candidates,
                                                             const core::Candidate& patch) {
  std::vector<const core::Candidate*> wanted = {&patch};
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const std::string& component : wanted[i]->manifest.requires_components) {
      const bool there = std::any_of(wanted.begin(), wanted.end(), [&](const core::Candidate* other) {
        return other->manifest.component == component;
      });
      if (there) continue;
      VENEER_ASSIGN(const core::Candidate* required, core::FindCandidate(candidates, component));
      wanted.push_back(required);
    }
  }
  return wanted;
}

// The stack of the base that `patch` applies to, what it requires, and itself: on the current base if that
// can be, otherwise on the newest installed on which it can.
Result<std::vector<std::string>> StackUnder(const std::vector<core::Candidate>& candidates,
                                            const core::Candidate& patch, const std::string& current_base,
                                            const std::string& model) {
  VENEER_ASSIGN(const auto wanted, WithRequirements(candidates, patch));
  std::vector<std::string> bases;
  for (const core::Candidate& candidate : candidates) {
    if (candidate.manifest.kind == format::LayerKind::kBase) bases.push_back(candidate.record.id);
  }
  std::stable_partition(bases.begin(), bases.end(), [&](const auto& id) { return id != current_base; });
  // What may not be activated may still be looked at: no floor and no withdrawal counts here.
  const core::PlanFacts facts{.model = model, .security_floor = {}, .withdrawn = {}};
  Result<core::Plan> plan =
      Fail(ErrorCode::kNotFound, "no base layer is installed; run: veneer install BASE");
  while (!bases.empty() && (plan = core::PlanActivation(candidates, {bases.back()}, wanted, facts), !plan))
    bases.pop_back();
  if (!plan) return tl::unexpected<Error>(std::move(plan).error());
  return std::move(plan->layers);
}

// `word` is a generation's number, empty for the current one, or names a layer: a base stands for itself, a
// patch for the stack of its base, what it requires, and itself.
Result<Side> Resolve(const StoreReading& reading, const std::string& word) {
  if (word.find_first_not_of("0123456789") == std::string::npos) {
    uint64_t number = 0;
    std::from_chars(word.data(), word.data() + word.size(), number);  // 0 too where it is too large
    if (number == 0 && !word.empty())
      return Fail(ErrorCode::kNotFound, "no generation {}; run: veneer history", word);
    VENEER_ASSIGN(const auto generation, FindGeneration(*reading.catalog, number));
    return Side{fmt::format("generation {}", generation.number), generation.layers};
  }
  VENEER_ASSIGN(const auto records, reading.catalog->Layers());
  VENEER_ASSIGN(const auto candidates, core::CandidatesOf(records));
  VENEER_ASSIGN(const core::Candidate* layer, core::FindCandidate(candidates, word));
  if (layer->manifest.kind == format::LayerKind::kBase) return Side{layer->manifest.name, {layer->record.id}};
  VENEER_ASSIGN(const auto current, reading.catalog->CurrentGeneration());
  const std::string base = current && !current->layers.empty() ? current->layers.front() : std::string();
  VENEER_ASSIGN(auto stack, StackUnder(candidates, *layer, base, reading.trust->policy().model));
  return Side{layer->manifest.name, std::move(stack)};
}

Json SideJson(const std::optional<core::Node>& node) {
  if (!node) return nullptr;
  Json json = {{"kind", KindOf(node->inode)}, {"mode", fmt::format("{:04o}", node->inode.mode & 07777)}};
  if (node->inode.IsRegular()) json["size"] = node->inode.size;
  return json;
}

std::string Describe(const std::optional<core::Node>& node) {
  if (!node) return "-";
  if (!node->inode.IsRegular()) return KindOf(node->inode);
  return fmt::format("file of {}", SizeText(node->inode.size));
}

const char* WordOf(const core::PathChange& change) {
  if (!change.before) return "added";
  return change.after ? "changed" : "removed";
}

Json ShowChanges(const std::vector<core::PathChange>& changes, Output& output) {
  Json list = Json::array();
  for (const core::PathChange& change : changes) {
    if (!output.json_wanted()) {
      std::string what = Describe(change.before ? change.before : change.after);
      if (change.before && change.after) {
        const std::string after = Describe(change.after);
        if (after != what) what += " -> " + after;
        what += fmt::format(" ({})", fmt::join(change.aspects, ", "));
      }
      output.Line("{:<7}  /{}  {}", WordOf(change), change.path, what);
      continue;
    }
    list.push_back({{"path", "/" + ToUtf8(change.path)},
                    {"change", WordOf(change)},
                    {"before", SideJson(change.before)},
                    {"after", SideJson(change.after)},
                    {"aspects", change.aspects}});
  }
  return list;
}

Status Diff(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const StoreReading reading, OpenForReading(globals));
  VENEER_ASSIGN(const Side before, Resolve(reading, options.before));
  VENEER_ASSIGN(const Side after, Resolve(reading, options.after));
  VENEER_ASSIGN(const StackView left, OpenStackView(reading, before.layers, 1));
  VENEER_ASSIGN(const StackView right, OpenStackView(reading, after.layers, 2));
  std::vector<core::PathChange> changes;
  {
    Progress progress(globals);
    VENEER_ASSIGN(changes, core::CompareViews(*left.view, *right.view, progress.Reporter()));
  }
  output.json() = {{"before", before.layers}, {"after", after.layers}};
  output.json()["changes"] = ShowChanges(changes, output);
  output.Note("{} path{} differ{} from {} to {}", changes.size(), changes.size() == 1 ? "" : "s",
              changes.size() == 1 ? "s" : "", before.name, after.name);
  return {};
}

}  // namespace

Action AddDiff(CLI::App& verb) {
  verb.description("List what two generations or layers differ in");
  auto options = std::make_shared<Options>();
  verb.add_option("A", options->before, "Number of a generation, or a layer as `activate` takes it")
      ->required();
  verb.add_option("B", options->after, "Likewise (default: the current generation)");
  return [options](const Globals& globals, Output& output) { return Diff(*options, globals, output); };
}

}  // namespace veneer::tools
