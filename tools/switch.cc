#include "tools/switch.h"

#include <CLI/CLI.hpp>

#include "fs/core/withdrawal.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/pending.h"
#include "tools/switch_preview.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

void ShowSwitch(const fuse::SwitchReport& report, Output& output) {
  Json mounts = Json::array();
  for (const fuse::MountSwitch& mount : report.mounts) {
    output.Note("{}: {} entries changed in {:.1f} ms, no look-up waited longer than {:.2f} ms", mount.dir,
                mount.entries, static_cast<double>(report.microseconds) / 1000,
                static_cast<double>(mount.longest_wait_us) / 1000);
    mounts.push_back({{"dir", ToUtf8(mount.dir)},
                      {"entries", mount.entries},
                      {"folders", mount.folders},
                      {"longest_wait_us", mount.longest_wait_us}});
  }
  for (const std::string& warning : report.warnings) output.Note("warning: {}", warning);
  output.json()["mounts"] = std::move(mounts);
  output.json()["microseconds"] = report.microseconds;
  output.json()["warnings"] = report.warnings;
}

void ShowDryRun(const std::vector<std::string>& layers, Output& output) {
  output.json()["dry_run"] = true;
  output.json()["layers"] = layers;
  output.Line("effective root would be {}", ToHex(catalog::EffectiveRoot(layers)));
}

Status Guard(const std::vector<fuse::Hazard>& hazards, const SwitchOptions& options) {
  if (options.force) return {};
  for (const fuse::Hazard& hazard : hazards) {
    if (!hazard.refuses) continue;
    return Fail(ErrorCode::kBusy,
                "{}; --next-boot leaves it for the next mount, --force does it all the same", hazard.text);
  }
  return {};
}

// Records `layers` as the generation that the next mount takes.
Status LeavePending(StoreChange& change, const std::vector<std::string>& layers, const SwitchCause& cause,
                    Output& output) {
  VENEER_ASSIGN(const uint64_t number, change.catalog->NextGeneration());
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  const int64_t now = io::SystemClock().Now();
  catalog::Update update;
  if (state.pending != 0) DropPending(state.pending, update);
  update.PutGeneration({number, layers, catalog::EffectiveRoot(layers), cause.kind, now});
  update.SetPending(number);
  update.AddEvent({0, now, "pending", state.current, ActingUser(cause.verb),
                   fmt::format("generation {} waits for the next mount", number)});
  VENEER_TRY(change.catalog->Commit(std::move(update)));
  output.json()["pending"] = number;
  output.Note("generation {} waits for the next mount, effective root {}", number,
              ToHex(catalog::EffectiveRoot(layers)));
  return {};
}

// A live switch decides anew: what waited for the next mount was planned from another stack.
Result<catalog::Update> UpdateWithoutPending(const StoreChange& change, Output& output) {
  catalog::Update update;
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  if (state.pending == 0) return update;
  DropPending(state.pending, update);
  output.Note("generation {}, which waited for the next mount, is dropped", state.pending);
  return update;
}

// The generation is current, as the record has it; a mount that did not follow it then does so now.
Status StayAt(const StoreChange& change, const catalog::GenerationRecord& current,
              const SwitchOptions& options, Output& output) {
  fuse::SwitchReport report;
  if (options.dry_run) {
    ShowDryRun(current.layers, output);
  } else {
    VENEER_ASSIGN(report, fuse::CatchUp(change.store, current));
  }
  ShowSwitch(report, output);
  output.Note("generation {} is just that already: nothing to do", current.number);
  return {};
}

// Everything that a person should know before the switch, and may stop it.
Result<std::optional<SwitchPreview>> LookAhead(const StoreChange& change,
                                               const std::vector<std::string>& before,
                                               const std::vector<std::string>& after,
                                               const SwitchOptions& options, Output& output) {
  VENEER_ASSIGN(auto preview, PreviewSwitch(change, before, after, output));
  if (!preview) return preview;
  output.json()["restart"] = preview->restart;
  if (options.next_boot) return preview;  // nothing is mounted then
  VENEER_ASSIGN(const auto hazards, ShowHazards(change, *preview, output));
  if (options.dry_run) {
    ShowChanges(*preview, output);
  } else {
    VENEER_TRY(Guard(hazards, options));
  }
  return preview;
}

}  // namespace

void AddSwitchOptions(CLI::App& verb, SwitchOptions& options) {
  verb.add_flag("--force", options.force, "Switch although a mount above or below would suffer");
  auto* dry_run = verb.add_flag("-n,--dry-run", options.dry_run, "Only say what would change");
  verb.add_flag("--next-boot", options.next_boot, "Leave it for the next mount")->excludes(dry_run);
}

Status SwitchTo(StoreChange& change, const std::vector<std::string>& layers, const SwitchCause& cause,
                const SwitchOptions& options, Output& output) {
  VENEER_ASSIGN(const auto current, change.catalog->CurrentGeneration());
  const uint64_t number = current ? current->number : 0;
  const std::vector<std::string> before = current ? current->layers : std::vector<std::string>();
  const std::string root = ToHex(catalog::EffectiveRoot(layers));
  output.json()["effective_root"] = root;
  output.json()["generation"] = number;
  if (current && layers == before) return StayAt(change, *current, options, output);
  VENEER_ASSIGN(const core::PlanFacts facts, change.Facts());
  VENEER_TRY(core::RefuseWithdrawn(layers, before, facts.withdrawn));
  VENEER_ASSIGN(const auto preview, LookAhead(change, before, layers, options, output));
  if (options.dry_run) {
    if (preview) ShowRestart(*preview, output);
    ShowDryRun(layers, output);
    return {};
  }
  if (options.next_boot) return LeavePending(change, layers, cause, output);
  const int64_t now = io::SystemClock().Now();
  const std::string text = cause.text.empty() ? fmt::format("{} layers", layers.size()) : cause.text;
  VENEER_ASSIGN(catalog::Update dropped, UpdateWithoutPending(change, output));
  VENEER_ASSIGN(
      const auto report,
      fuse::SwitchGeneration(change.store, *change.catalog, layers, cause.kind,
                             {0, now, cause.kind, 0, ActingUser(cause.verb), text}, std::move(dropped)));
  output.json()["generation"] = report.generation.number;
  ShowSwitch(report, output);
  output.Note("generation {} is current, effective root {}", report.generation.number, root);
  if (preview) ShowRestart(*preview, output);
  return {};
}

}  // namespace veneer::tools
