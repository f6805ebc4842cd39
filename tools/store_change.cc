#include "tools/store_change.h"

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "fs/core/changes.h"
#include "fs/core/stack.h"
#include "fs/core/withdrawal.h"
#include "fs/fuse/activation.h"
#include "fs/fuse/switch_guard.h"
#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr size_t kCacheBytes = 16 << 20;

// What a switch would change: the views of both generations, compared.
struct Preview {
  std::optional<core::Changes> changes;  // none where the stack that goes cannot be read any more
  bool new_base = false;
  std::vector<std::string> restart;  // units that the patches which come in want restarted
};

Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenStack(const StoreChange& change,
                                                                   const std::vector<std::string>& ids) {
  catalog::GenerationRecord generation;
  generation.layers = ids;
  return change.store.OpenStack(*change.catalog, generation, *change.trust,
                                std::make_shared<verity::BlockCache>(kCacheBytes));
}

std::vector<std::string> RestartWishes(const std::vector<std::shared_ptr<const layer::Layer>>& stack,
                                       const std::vector<std::string>& before) {
  std::vector<std::string> restart;
  for (const auto& layer : stack) {
    if (std::find(before.begin(), before.end(), layer->id()) != before.end()) continue;
    const auto& units = layer->manifest().restart;
    restart.insert(restart.end(), units.begin(), units.end());
  }
  return restart;
}

// The stack that comes must hold in every way. The one that goes may be damaged, gone or no longer trusted:
// that is no reason to stay with it.
Result<std::optional<Preview>> PreviewSwitch(const StoreChange& change,
                                             const std::vector<std::string>& before,
                                             const std::vector<std::string>& after, Output& output) {
  VENEER_ASSIGN(const auto stack, OpenStack(change, after));
  VENEER_TRY(core::CheckPathConflicts(stack));
  if (before.empty()) return std::nullopt;  // nothing shows it yet
  Preview preview{std::nullopt, before.front() != after.front(), RestartWishes(stack, before)};
  const auto former = OpenStack(change, before);
  if (!former) {
    output.Note("warning: what changes cannot be told: {}", former.error().message());
    return preview;
  }
  VENEER_ASSIGN(const auto old_view, core::View::Build(0, core::StackOf(*former)));
  VENEER_ASSIGN(const auto new_view, core::View::Build(1, core::StackOf(stack)));
  VENEER_ASSIGN(preview.changes, core::Changes::Between(*old_view, *new_view));
  return preview;
}

const char* KindOf(const core::ChangedEntry& entry) {
  if (entry.before == 0) return "appears";
  return entry.after == 0 ? "vanishes" : "changes";
}

void ShowPreview(const Preview& preview, Output& output) {
  Json paths = Json::array();
  if (!preview.changes) return;
  for (const core::ChangedEntry& entry : preview.changes->entries()) {
    output.Line("{:<8}  /{}", KindOf(entry), entry.path);
    paths.push_back({{"path", "/" + ToUtf8(entry.path)}, {"change", KindOf(entry)}});
  }
  output.json()["changes"] = std::move(paths);
}

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

// A withdrawn layer does not come in, by whatever way. One that is current already may stay for now: to
// refuse would keep the owner from changing anything else.
Status RefuseWithdrawn(const StoreChange& change, const std::vector<std::string>& before,
                       const std::vector<std::string>& after) {
  VENEER_ASSIGN(const core::PlanFacts facts, change.Facts());
  for (const std::string& id : after) {
    const auto withdrawn = facts.withdrawn.find(id);
    if (withdrawn == facts.withdrawn.end() || std::find(before.begin(), before.end(), id) != before.end()) {
      continue;
    }
    return Fail(ErrorCode::kWithdrawn, "layer {} is withdrawn by its publisher: {}; run: veneer revert --all",
                id, withdrawn->second);
  }
  return {};
}

// Names the mounts that the switch would harm, before anything is done.
Result<std::vector<fuse::Hazard>> ShowHazards(const StoreChange& change, const Preview& preview,
                                              Output& output) {
  VENEER_ASSIGN(auto hazards,
                fuse::FindHazards(change.store.identity(), preview.changes ? &*preview.changes : nullptr,
                                  preview.new_base));
  Json list = Json::array();
  for (const fuse::Hazard& hazard : hazards) {
    output.Note("{}: {}", hazard.refuses ? "refused without --force" : "warning", hazard.text);
    list.push_back({{"text", ToUtf8(hazard.text)}, {"refuses", hazard.refuses}});
  }
  output.json()["hazards"] = std::move(list);
  return hazards;
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

void ShowRestart(const std::optional<Preview>& preview, Output& output) {
  if (!preview) return;
  for (const std::string& unit : preview->restart) output.Note("wants a restart: {}", unit);
}

// Records `layers` as the generation that the next mount takes.
Status LeavePending(StoreChange& change, const std::vector<std::string>& layers, const SwitchCause& cause,
                    Output& output) {
  VENEER_ASSIGN(const uint64_t number, change.catalog->NextGeneration());
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  const int64_t now = io::SystemClock().Now();
  catalog::Update update;
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
Result<catalog::Update> DropPending(const StoreChange& change, Output& output) {
  catalog::Update update;
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  if (state.pending == 0) return update;
  update.SetPending(0);
  output.Note("generation {}, which waited for the next mount, is dropped", state.pending);
  return update;
}

// The generation is current, as the record has it; a mount that did not follow it then does so now.
Status StayAt(const StoreChange& change, const catalog::GenerationRecord& current,
              const SwitchOptions& options, Output& output) {
  if (!options.dry_run) {
    VENEER_ASSIGN(const auto report, fuse::CatchUp(change.store, current));
    if (!report.mounts.empty() || !report.warnings.empty()) ShowSwitch(report, output);
  }
  output.Note("generation {} is just that already: nothing to do", current.number);
  return {};
}

// Everything that a person should know before the switch, and may stop it.
Result<std::optional<Preview>> LookAhead(const StoreChange& change, const std::vector<std::string>& before,
                                         const std::vector<std::string>& after, const SwitchOptions& options,
                                         Output& output) {
  VENEER_ASSIGN(auto preview, PreviewSwitch(change, before, after, output));
  if (!preview) return preview;
  output.json()["restart"] = preview->restart;
  if (options.next_boot) return preview;  // nothing is mounted then
  VENEER_ASSIGN(const auto hazards, ShowHazards(change, *preview, output));
  if (options.dry_run) {
    ShowPreview(*preview, output);
  } else {
    VENEER_TRY(Guard(hazards, options));
  }
  return preview;
}

}  // namespace

Result<std::vector<std::string>> StoreChange::CurrentLayers() const {
  VENEER_ASSIGN(const auto current, catalog->CurrentGeneration());
  return current ? current->layers : std::vector<std::string>();
}

Result<std::vector<core::Candidate>> StoreChange::Candidates() const {
  VENEER_ASSIGN(const auto records, catalog->Layers());
  return core::CandidatesOf(records);
}

Result<core::PlanFacts> StoreChange::Facts() const {
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  return core::PlanFacts{trust->policy().model, state.security_floor,
                         core::WithdrawalReasons(store, state, *trust)};
}

Result<StoreChange> OpenForChange(const Globals& globals) {
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(auto trust, store.LoadTrust());
  const auto say = [&] {
    if (!globals.quiet)
      fmt::print(stderr, "veneer: {}: another change is under way, waiting for it\n", globals.store);
  };
  VENEER_ASSIGN(auto catalog, store.OpenCatalogForWriting(kPatience, say));
  return StoreChange{std::move(store), std::move(catalog), std::move(trust)};
}

std::string ActingUser(const char* verb) {
  const uid_t uid = ::getuid();
  const passwd* entry = ::getpwuid(uid);  // NOLINT: before any thread
  return fmt::format("{} (uid {}), veneer {}", entry == nullptr ? "?" : entry->pw_name, uid, verb);
}

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
  VENEER_TRY(RefuseWithdrawn(change, before, layers));
  VENEER_ASSIGN(const auto preview, LookAhead(change, before, layers, options, output));
  if (options.dry_run) {
    ShowRestart(preview, output);
    output.json()["dry_run"] = true;
    output.json()["layers"] = layers;
    output.Line("effective root would be {}", root);
    return {};
  }
  if (options.next_boot) return LeavePending(change, layers, cause, output);
  const int64_t now = io::SystemClock().Now();
  const std::string text = cause.text.empty() ? fmt::format("{} layers", layers.size()) : cause.text;
  VENEER_ASSIGN(catalog::Update dropped, DropPending(change, output));
  VENEER_ASSIGN(
      const auto report,
      fuse::SwitchGeneration(change.store, *change.catalog, layers, cause.kind,
                             {0, now, cause.kind, 0, ActingUser(cause.verb), text}, std::move(dropped)));
  output.json()["generation"] = report.generation.number;
  ShowSwitch(report, output);
  output.Note("generation {} is current, effective root {}", report.generation.number, root);
  ShowRestart(preview, output);
  return {};
}

}  // namespace veneer::tools
