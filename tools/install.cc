#include "fs/core/install.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/store_change.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::vector<std::string> files;
  bool activate = false;
  SwitchOptions switching;
};

Status InstallOne(const std::string& file, StoreChange& change, const Globals& globals, Output& output,
                  Json& list) {
  output.SetLayer(file);
  Result<core::InstallResult> result = [&] {
    Progress progress(globals);
    return core::Install(file, change.store, *change.catalog, *change.trust, io::SystemClock().Now(),
                         ActingUser("install"), progress.Reporter());
  }();
  if (!result) return tl::unexpected(std::move(result).error());
  const format::Manifest& manifest = result->signed_manifest.manifest;
  const std::string& id = result->signed_manifest.id;
  output.Note("{}: {} {}, {}", file,
              !result->already   ? "installed"
              : result->repaired ? "repaired"
                                 : "was installed already:",
              manifest.name, id);
  list.push_back({{"file", ToUtf8(file)},
                  {"id", id},
                  {"name", manifest.name},
                  {"already", result->already},
                  {"repaired", result->repaired}});
  return {};
}

Status Install(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(StoreChange change, OpenForChange(globals));
  Json list = Json::array();
  std::vector<std::string> ids;
  for (const std::string& file : options.files) {
    VENEER_TRY(InstallOne(file, change, globals, output, list));
    ids.push_back(list.back()["id"]);
    output.json()["installed"] = list;
  }
  output.SetLayer("");
  if (!options.activate) return {};
  return ActivateLayers(change, ids, options.switching, output);
}

}  // namespace

Action AddInstall(CLI::App& verb) {
  verb.description("Verify layer files wholly, judge them by policy, and copy them into the store");
  auto options = std::make_shared<Options>();
  verb.add_option("FILE", options->files, "Layer file, a base or a patch")->required();
  auto* activate = verb.add_flag("--activate", options->activate, "Make them current at once");
  verb.add_flag("--force", options->switching.force,
                "With --activate: although a mount above or below would suffer")
      ->needs(activate);
  return [options](const Globals& globals, Output& output) { return Install(*options, globals, output); };
}

}  // namespace veneer::tools
