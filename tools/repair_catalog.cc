#include <CLI/CLI.hpp>

#include "fs/catalog/ballast.h"
#include "fs/core/rebuild.h"
#include "fs/fuse/activation.h"
#include "fs/fuse/mount_table.h"
#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/store_change.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

// Also where no server answers: one that was killed under a service manager is started again, and goes on
// with the numbers that it knows.
Status RefuseMounts(const catalog::Store& store) {
  VENEER_ASSIGN(const auto live, fuse::FindLiveMounts(store.identity()));
  if (!live.empty()) {
    return Fail(ErrorCode::kBusy,
                "{}: is mounted, and layers would get new numbers under it; run: veneer umount {}",
                store.path(), live.front().dir());
  }
  VENEER_ASSIGN(const auto mounts, fuse::ReadMountsOf(store.path()));
  if (mounts.empty()) return {};
  const fuse::MountEntry& mount = mounts.front();
  const std::string umount =
      mount.seen_by == 0 ? fmt::format("veneer umount {}", mount.target)
                         : fmt::format("nsenter --mount --target {} umount {}", mount.seen_by, mount.target);
  return Fail(ErrorCode::kBusy,
              "{}: is mounted, though no server answers for it now, and layers would get new numbers under "
              "it; run: {}",
              store.path(), umount);
}

const char* WhichStack(const core::RebuildResult& result) {
  if (result.stack_may_be_older) {
    return "the stack that was, or one before it, since changes may be lost; see: veneer status";
  }
  if (result.stack_kept) return "the stack that was";
  return result.stack_from_old ? "what is left of the stack that was"
                               : "the newest of every component, since the old stack is not known";
}

Json Messages(const std::vector<Error>& errors) {
  Json list = Json::array();
  for (const Error& error : errors) {
    list.push_back({{"code", CodeWord(error.code())}, {"message", ToUtf8(error.message())}});
  }
  return list;
}

void ShowJson(const core::RebuildResult& result, Output& output) {
  const catalog::State& state = result.state;
  Json layers = Json::array();
  for (const catalog::LayerRecord& record : result.layers) layers.push_back(record.id);
  output.json() = {{"layers", std::move(layers)},
                   {"withdrawn", result.withdrawn},
                   {"passed_over", Messages(result.passed_over)},
                   {"generation", state.current},
                   {"pending", state.pending},
                   {"last_good", state.last_good},
                   {"generations", result.generations},
                   {"stack_kept", result.stack_kept},
                   {"stack_may_be_older", result.stack_may_be_older},
                   {"left_out", result.left_out},
                   {"marks",
                    {{"highest_sequence", state.highest_sequence},
                     {"security_floor", state.security_floor},
                     {"latest_time", state.latest_time}}},
                   {"lost", Messages(result.lost)},
                   {"missing", Messages(result.missing)},
                   {"old_catalog", ToUtf8(result.old_catalog)}};
}

void ShowWords(const core::RebuildResult& result, const std::string& store, Output& output) {
  const catalog::State& state = result.state;
  for (const Error& error : result.passed_over) output.Line("passed over: {}", error.message());
  for (const Error& error : result.lost) output.Line("lost: {}", error.message());
  for (const Error& error : result.missing) output.Line("missing: {}", error.message());
  for (const std::string& why : result.left_out) output.Line("falls away: {}", why);
  output.Note("{}: a new catalog of {} signed layers and {} withdrawals; the history is lost", store,
              result.layers.size(), result.withdrawn.size());
  if (!result.old_catalog.empty()) output.Note("the old one is {}", result.old_catalog);
  output.Note("marks: the highest sequence of {} components, the floor of {}", state.highest_sequence.size(),
              state.security_floor.size());
  if (!result.generations.empty()) output.Note("kept: {} other generations", result.generations.size());
  if (state.pending != 0) output.Note("kept: generation {} waits for the next mount", state.pending);
  if (state.last_good != 0) output.Note("kept: generation {} is the last good one", state.last_good);
  if (state.current != 0) output.Note("generation {} is current: {}", state.current, WhichStack(result));
}

Status RepairCatalog(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store,
                catalog::Store::Open(globals.store, globals.trust, globals.medium));
  VENEER_TRY(RefuseMounts(store));
  catalog::GiveUpBallast(store);
  const core::RebuildCalls calls = {WaitNotice(globals), [&] { return RefuseMounts(store); }};
  VENEER_ASSIGN(const auto result,
                core::RebuildCatalog(store, io::SystemClock().Now(), ActingUser("repair-catalog"), calls));
  ShowJson(result, output);
  ShowWords(result, store.path(), output);
  return result.missing.empty() ? Status() : tl::unexpected<Error>(result.missing.front());
}

}  // namespace

Action AddRepairCatalog(CLI::App& verb) {
  verb.description("Make a lost or damaged catalog anew from the signed layers");
  return [](const Globals& globals, Output& output) {
    return WithRoomMended(RepairCatalog(globals, output),
                          "make room on that file system by other means, and run: veneer repair-catalog");
  };
}

}  // namespace veneer::tools
