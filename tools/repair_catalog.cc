#include <CLI/CLI.hpp>

#include "fs/core/rebuild.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/store_change.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

const char* WhichStack(const core::RebuildResult& result) {
  if (result.stack_may_be_older) {
    return "the stack that was, or one before it, since changes may be lost; see: veneer status";
  }
  return result.stack_kept ? "the stack that was"
                           : "the newest of every component, since the old stack is not known";
}

Status RepairCatalog(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store,
                catalog::Store::Open(globals.store, globals.trust, globals.medium));
  VENEER_ASSIGN(const auto mounts, fuse::FindLiveMounts(store.identity()));
  if (!mounts.empty()) {
    return Fail(ErrorCode::kBusy,
                "{}: is mounted, and layers would get new numbers under it; run: veneer umount {}",
                store.path(), mounts.front().dir());
  }
  VENEER_ASSIGN(const auto result, core::RebuildCatalog(store, io::SystemClock().Now(),
                                                        ActingUser("repair-catalog"), WaitNotice(globals)));
  Json layers = Json::array();
  for (const catalog::LayerRecord& record : result.layers) layers.push_back(record.id);
  Json passed_over = Json::array();
  for (const Error& error : result.passed_over) {
    output.Line("passed over: {}", error.message());
    passed_over.push_back({{"code", CodeWord(error.code())}, {"message", ToUtf8(error.message())}});
  }
  const uint64_t generation = result.generation ? result.generation->number : 0;
  output.json() = {{"layers", std::move(layers)},
                   {"withdrawn", result.withdrawn},
                   {"passed_over", std::move(passed_over)},
                   {"generation", generation},
                   {"stack_kept", result.stack_kept},
                   {"stack_may_be_older", result.stack_may_be_older},
                   {"old_catalog", ToUtf8(result.old_catalog)}};
  output.Note("{}: a new catalog of {} signed layers and {} withdrawals; the history is lost", store.path(),
              result.layers.size(), result.withdrawn.size());
  if (!result.old_catalog.empty()) output.Note("the old one is {}", result.old_catalog);
  if (generation != 0) {
    output.Note("generation {} is current: {}", generation, WhichStack(result));
  }
  return {};
}

}  // namespace

Action AddRepairCatalog(CLI::App& verb) {
  verb.description("Make a lost or damaged catalog anew from the signed layers");
  return RepairCatalog;
}

}  // namespace veneer::tools
