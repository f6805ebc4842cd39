#include "fs/core/install.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "fs/core/withdrawal.h"
#include "fs/io/clock.h"
#include "tools/activation.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::vector<std::string> files;
  bool activate = false;
  SwitchOptions switching;
};

// What came in, for the answer.
struct Taken {
  Json installed = Json::array();
  Json withdrawn = Json::array();
};

Status InstallLayer(const io::PosixFile& file, StoreChange& change, const Globals& globals, Output& output,
                    Taken& taken) {
  Result<core::InstallResult> result = [&] {
    Progress progress(globals);
    return core::Install(file, change.store, *change.catalog, *change.trust, io::SystemClock().Now(),
                         ActingUser("install"), progress.Reporter());
  }();
  if (!result) return tl::unexpected(std::move(result).error());
  const format::Manifest& manifest = result->signed_manifest.manifest;
  const std::string& id = result->signed_manifest.id;
  output.Note("{}: {} {}, {}", file.name(),
              !result->already   ? "installed"
              : result->repaired ? "repaired"
                                 : "was installed already:",
              manifest.name, id);
  taken.installed.push_back({{"file", ToUtf8(file.name())},
                             {"id", id},
                             {"name", manifest.name},
                             {"already", result->already},
                             {"repaired", result->repaired}});
  return {};
}

Status TakeWithdrawal(const io::PosixFile& file, StoreChange& change, Output& output, Taken& taken) {
  VENEER_ASSIGN(const core::TakenWithdrawal result,
                core::TakeWithdrawal(file, change.store, *change.catalog, *change.trust,
                                     io::SystemClock().Now(), ActingUser("install")));
  const format::Withdrawal& withdrawal = result.signed_withdrawal.withdrawal;
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  const bool active = std::find(current.begin(), current.end(), withdrawal.layer) != current.end();
  const std::string name =
      fmt::format("{} ({})", withdrawal.component, format::SequenceLetter(withdrawal.sequence));
  output.Note("{}: {} {} is withdrawn: {}", file.name(),
              result.already ? "known already:" : "taken in:", name, withdrawal.reason);
  if (active && !change.trust->policy().automatic) {
    output.Note("warning: {} is active, and policy does not revert it by itself; run: veneer revert {}", name,
                withdrawal.layer);
  }
  taken.withdrawn.push_back({{"file", ToUtf8(file.name())},
                             {"layer", withdrawal.layer},
                             {"component", withdrawal.component},
                             {"sequence", withdrawal.sequence},
                             {"letter", format::SequenceLetter(withdrawal.sequence)},
                             {"reason", withdrawal.reason},
                             {"already", result.already},
                             {"active", active}});
  return {};
}

Status TakeIn(const std::string& path, StoreChange& change, const Globals& globals, Output& output,
              Taken& taken) {
  output.SetLayer(path);
  VENEER_ASSIGN(const auto file, io::PosixFile::Open(path));
  VENEER_ASSIGN(const bool is_withdrawal, core::LooksLikeWithdrawal(*file));
  return is_withdrawal ? TakeWithdrawal(*file, change, output, taken)
                       : InstallLayer(*file, change, globals, output, taken);
}

Status Install(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(StoreChange change, OpenForChange(globals));
  Taken taken;
  for (const std::string& file : options.files) {
    VENEER_TRY(TakeIn(file, change, globals, output, taken));
    output.json()["installed"] = taken.installed;
    output.json()["withdrawn"] = taken.withdrawn;
  }
  output.SetLayer("");
  if (!taken.withdrawn.empty() && change.trust->policy().automatic) {
    VENEER_TRY(RevertWithdrawn(change, output));
  }
  if (!options.activate || taken.installed.empty()) return {};
  std::vector<std::string> ids;
  for (const Json& layer : taken.installed) ids.push_back(layer["id"]);
  return ActivateLayers(change, ids, options.switching, output);
}

}  // namespace

Action AddInstall(CLI::App& verb) {
  verb.description("Verify layer files wholly, judge them by policy, and copy them into the store");
  auto options = std::make_shared<Options>();
  verb.add_option("FILE", options->files, "Layer file, a base or a patch, or a withdrawal")->required();
  auto* activate = verb.add_flag("--activate", options->activate, "Make them current at once");
  verb.add_flag("--force", options->switching.force,
                "With --activate: although a mount above or below would suffer")
      ->needs(activate);
  verb.add_flag("--next-boot", options->switching.next_boot, "With --activate: leave it for the next mount")
      ->needs(activate);
  return [options](const Globals& globals, Output& output) {
    return WithRoomMended(Install(*options, globals, output));
  };
}

}  // namespace veneer::tools
