#include "tools/store_change.h"

#include <pwd.h>
#include <unistd.h>

#include <utility>

#include "fs/catalog/ballast.h"
#include "fs/core/withdrawal.h"
#include "tools/output.h"

namespace veneer::tools {
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

Result<StoreChange> OpenForChange(const Globals& globals, Ballast ballast) {
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(globals.store, globals.trust, globals.medium));
  VENEER_ASSIGN(auto trust, store.LoadTrust());
  if (ballast == Ballast::kMayGo) catalog::GiveUpBallast(store);
  VENEER_ASSIGN(auto catalog, store.OpenCatalogForWriting(kPatience, WaitNotice(globals)));
  catalog::KeepBallast(store);
  return StoreChange{{std::move(store), std::move(catalog), std::move(trust)}};
}

Status WithRoomMended(Status outcome, std::string_view how) {
  if (outcome || outcome.error().code() != ErrorCode::kNoSpace) return outcome;
  return Fail(ErrorCode::kNoSpace, "{}; {}", outcome.error().message(), how);
}

std::function<void()> WaitNotice(const Globals& globals) {
  return [&globals] {
    static bool told = false;
    if (!globals.quiet && !std::exchange(told, true))
      fmt::print(stderr, "veneer: {}: another change is under way, waiting for it\n", globals.store);
  };
}

std::string ActingUser(const char* verb) {
  const uid_t uid = ::getuid();
  const passwd* entry = ::getpwuid(uid);  // NOLINT: before any thread
  return fmt::format("{} (uid {}), veneer {}", entry == nullptr ? "?" : entry->pw_name, uid, verb);
}

}  // namespace veneer::tools
