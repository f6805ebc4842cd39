// A store opened by a verb that changes it, and the way such a verb makes another generation current.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/crypto/trust_store.h"
#include "tools/command.h"

namespace veneer::tools {

class Output;

struct StoreChange {
  catalog::Store store;
  std::unique_ptr<catalog::Catalog> catalog;  // open for writing: other changes wait
  std::shared_ptr<const crypto::TrustStore> trust;

  // The ids of the current generation, base first; empty if there is none.
  Result<std::vector<std::string>> CurrentLayers() const;

  // The installed layers.
  Result<std::vector<core::Candidate>> Candidates() const;

  // What stacks are planned by now.
  Result<core::PlanFacts> Facts() const;
};

// Opens the store for a change, waiting for another one up to 30 seconds and saying so. kBusy after that; the
// errors of Store.
Result<StoreChange> OpenForChange(const Globals& globals);

// Who acts, for the record: "alice (uid 1000), veneer VERB".
std::string ActingUser(const char* verb);

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
