// A store opened by a verb that changes it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/stack_plan.h"
#include "tools/command.h"
#include "tools/stack_view.h"

namespace veneer::tools {

// Its catalog is open for writing: other changes wait.
struct StoreChange : StoreReading {
  // The ids of the current generation, base first; empty if there is none.
  Result<std::vector<std::string>> CurrentLayers() const;

  // The installed layers.
  Result<std::vector<core::Candidate>> Candidates() const;

  // What stacks are planned by now.
  Result<core::PlanFacts> Facts() const;
};

// How long a change waits for another one.
inline constexpr std::chrono::seconds kPatience{30};

// Where the store's file system has next to no room left: whether a change gives up the store's ballast
// (fs/catalog/ballast.h) for what it needs. For those that make room, or that cannot wait for it.
enum class Ballast { kStays, kMayGo };

// Opens the store for a change, waiting for another one for kPatience and saying so. kBusy after that; the
// errors of Store.
Result<StoreChange> OpenForChange(const Globals& globals, Ballast ballast = Ballast::kStays);

// The outcome of a change, with `how` that is mended where there was no room.
Status WithRoomMended(Status outcome, std::string_view how = "make room, or run: veneer gc");

// Says, unless told to be quiet, that a change waits for another one: once in a command, however many locks
// it takes. `globals` outlives the answer.
std::function<void()> WaitNotice(const Globals& globals);

// Who acts, for the record: "alice (uid 1000), veneer VERB".
std::string ActingUser(const char* verb);

}  // namespace veneer::tools
