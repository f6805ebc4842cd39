#include <CLI/CLI.hpp>
#include <memory>

#include "tools/activation.h"
#include "tools/output.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::vector<std::string> layers;
  SwitchOptions switching;
};

Status Activate(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(StoreChange change, OpenForChange(globals, Ballast::kMayGo));
  return ActivateLayers(change, options.layers, options.switching, output);
}

}  // namespace

Action AddActivate(CLI::App& verb) {
  verb.description("Make installed layers current, live on every mount");
  auto options = std::make_shared<Options>();
  verb.add_option("LAYER", options->layers,
                  "Id, name, component or COMPONENT@LETTER (default: the newest of each)");
  AddSwitchOptions(verb, options->switching);
  return [options](const Globals& globals, Output& output) {
    return WithRoomMended(Activate(*options, globals, output));
  };
}

}  // namespace veneer::tools
