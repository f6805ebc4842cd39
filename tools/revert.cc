#include <CLI/CLI.hpp>
#include <memory>

#include "fs/io/clock.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/pending.h"
#include "tools/stack_view.h"
#include "tools/switch.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string layer;
  uint64_t generation = 0;
  bool all = false;
  SwitchOptions switching;
};

// With nothing named: the generation that was current before this one, and whose layers are still there.
Result<std::vector<std::string>> Former(const StoreChange& change) {
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  VENEER_ASSIGN(const auto generations, change.catalog->Generations());
  for (auto generation = generations.rbegin(); generation != generations.rend(); ++generation) {
    if (generation->number >= state.current || generation->layers == current) continue;
    if (FindGeneration(*change.catalog, generation->number)) return generation->layers;
  }
  return Fail(ErrorCode::kUsage, "there is no generation to go back to");
}

Result<std::vector<std::string>> Target(const Options& options, const StoreChange& change) {
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  if (current.empty()) return Fail(ErrorCode::kUsage, "no generation is current: there is nothing to revert");
  if (options.all) return std::vector<std::string>{current.front()};
  if (options.generation != 0) {
    VENEER_ASSIGN(const auto generation, FindGeneration(*change.catalog, options.generation));
    return generation.layers;
  }
  if (options.layer.empty()) return Former(change);
  VENEER_ASSIGN(const auto candidates, change.Candidates());
  VENEER_ASSIGN(const core::Candidate* layer, core::FindCandidate(candidates, options.layer));
  return core::PlanRevert(candidates, current, *layer);
}

// Takes back what waits for the next mount: that is the last thing that was decided.
Status CancelPending(const StoreChange& change, const catalog::State& state, Output& output) {
  catalog::Update update;
  DropPending(state.pending, update);
  update.AddEvent({0, io::SystemClock().Now(), "revert", state.current, ActingUser("revert"),
                   fmt::format("generation {} no longer waits for the next mount", state.pending)});
  VENEER_TRY(change.catalog->Commit(std::move(update)));
  output.json() = {{"generation", state.current}, {"pending", 0}};
  output.Note("generation {} no longer waits for the next mount; generation {} stays", state.pending,
              state.current);
  return {};
}

Status Revert(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(StoreChange change, OpenForChange(globals, Ballast::kMayGo));
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  const bool named = options.all || options.generation != 0 || !options.layer.empty();
  if (state.pending != 0 && !named && !options.switching.dry_run) return CancelPending(change, state, output);
  VENEER_ASSIGN(const auto layers, Target(options, change));
  return SwitchTo(change, layers, {"revert", "revert"}, options.switching, output);
}

}  // namespace

Action AddRevert(CLI::App& verb) {
  verb.description("Drop a patch, or go back to an earlier generation, live on every mount");
  auto options = std::make_shared<Options>();
  auto* layer =
      verb.add_option("LAYER", options->layer, "Patch to drop (default: back to what was current before)");
  auto* to = verb.add_option("--to", options->generation, "Generation to go back to")->check(WholeNumber(1));
  auto* all = verb.add_flag("--all", options->all, "Go back to the sealed base");
  layer->excludes(to)->excludes(all);
  to->excludes(all);
  AddSwitchOptions(verb, options->switching);
  return [options](const Globals& globals, Output& output) {
    return WithRoomMended(Revert(*options, globals, output));
  };
}

}  // namespace veneer::tools
