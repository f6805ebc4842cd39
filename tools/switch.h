// How a verb makes another generation current.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "tools/store_change.h"

namespace CLI {
class App;
}

namespace veneer::tools {

class Output;

struct SwitchOptions {
  bool force = false;      // switch although something mounted would suffer
  bool dry_run = false;    // only say what would change
  bool next_boot = false;  // leave it for the next mount
};

// Adds --force, --dry-run and --next-boot.
void AddSwitchOptions(CLI::App& verb, SwitchOptions& options);

// Why a switch is made, for the record.
struct SwitchCause {
  const char* verb;       // the command: "install"
  const char* kind;       // the event: "revert"
  std::string text = {};  // for a person; empty: how many layers
};

// Makes `layers` (ids, base first) the current generation, live on every mount, and reports it. Nothing to do
// where they are current already. A generation that waits for the next mount is dropped, since the switch
// decides anew; with `next_boot`, this one waits in its place, and nothing is switched. Verifies every
// layer's signature first, and refuses conflicts and layers that come in and are withdrawn; kBusy where
// something mounted stands in the way and --force does not.
Status SwitchTo(StoreChange& change, const std::vector<std::string>& layers, const SwitchCause& cause,
                const SwitchOptions& options, Output& output);

}  // namespace veneer::tools
