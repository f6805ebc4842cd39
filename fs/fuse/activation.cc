#include "fs/fuse/activation.h"

#include <chrono>

#include "fs/base/cancel.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Takes back what the first `count` mounts prepared. One that cannot be told finds out when the line is cut.
void AbortFirst(std::vector<LiveMount>& mounts, size_t count) {
  for (size_t i = 0; i < count; ++i) static_cast<void>(mounts[i].channel.Ask({{"request", "abort"}}));
}

// All prepare, or none. A mount whose server has died has nothing to switch, and is dropped from `mounts`.
Status PrepareAll(std::vector<LiveMount>& mounts, SwitchReport& report) {
  const json request = {
      {"request", "prepare"}, {"generation", report.generation.number}, {"layers", report.generation.layers}};
  for (size_t i = 0; i < mounts.size(); ++i) {
    auto answer = mounts[i].channel.Ask(request);
    if (answer) continue;
    Error error = answer.error().Within(mounts[i].dir());
    if (!mounts[i].channel.gone()) {
      AbortFirst(mounts, i);
      return tl::unexpected<Error>(std::move(error));
    }
    report.warnings.push_back(error.message());
  }
  std::erase_if(mounts, [](const LiveMount& mount) { return mount.channel.gone(); });
  return {};
}

int64_t MicrosecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin)
      .count();
}

// A record that could not be written wholly, or not be synced, may be on the disk all the same, and is then
// what every mount and every command goes by.
Error NotRecorded(const Error& error, uint64_t generation) {
  const ErrorCode code = error.code();
  if (code != ErrorCode::kIo && code != ErrorCode::kNoSpace && code != ErrorCode::kFailed) return error;
  return Error(code, fmt::format("{}; generation {} may be current all the same; run: veneer status",
                                 error.message(), generation));
}

// One that does not answer any more switches when it does: it has been told.
Status CommitAll(std::vector<LiveMount>& mounts, SwitchReport& report) {
  Status outcome;
  for (LiveMount& mount : mounts) {
    auto answer = mount.channel.Ask({{"request", "commit"}});
    if (!answer) {
      const Error error = answer.error().Within(mount.dir());
      report.warnings.push_back(error.message());
      if (error.code() == ErrorCode::kInterrupted) {
        outcome = Fail(ErrorCode::kInterrupted,
                       "interrupted; generation {} is current, and {} shows it once its server goes on",
                       report.generation.number, mount.dir());
      }
      continue;
    }
    report.mounts.push_back({mount.dir(), answer->value("entries", uint64_t{0}),
                             answer->value("folders", uint64_t{0}),
                             answer->value("longest_wait_us", int64_t{0})});
  }
  return outcome;
}

// A mount whose server was just killed shows what it showed until another one goes on with it.
void WarnOfUnserved(const catalog::Store& store, const std::vector<LiveMount>& live, SwitchReport& report) {
  const auto unserved = FindUnserved(store.path(), live);
  if (!unserved) report.warnings.push_back(unserved.error().message());
  if (!unserved) return;
  for (const std::string& dir : *unserved) {
    report.warnings.push_back(fmt::format(
        "{}: no server answers for this mount, and it shows what it did until one does; run: veneer status",
        dir));
  }
}

std::vector<LiveMount> Followers(std::vector<LiveMount> mounts) {
  std::erase_if(mounts, [](const LiveMount& mount) { return mount.pinned(); });
  return mounts;
}

// Switches the mounts that show another generation than the one recorded, `report.generation`.
Status TakeAlong(const catalog::Store& store, SwitchReport& report) {
  VENEER_ASSIGN(std::vector<LiveMount> live, FindLiveMounts(store.identity()));
  WarnOfUnserved(store, live, report);
  std::vector<LiveMount> mounts = Followers(std::move(live));
  std::erase_if(mounts, [&, root = ToHex(report.generation.effective_root)](const LiveMount& mount) {
    return mount.Shows(report.generation.number, root);
  });
  VENEER_TRY(PrepareAll(mounts, report));
  return CommitAll(mounts, report);
}

}  // namespace

Result<SwitchReport> SwitchGeneration(const catalog::Store& store, catalog::Catalog& catalog,
                                      const std::vector<std::string>& layers, const std::string& reason,
                                      catalog::Event event, catalog::Update update) {
  SwitchReport report;
  VENEER_ASSIGN(const uint64_t number, catalog.NextGeneration());
  report.generation = {number, layers, catalog::EffectiveRoot(layers), reason, event.time};
  VENEER_ASSIGN(std::vector<LiveMount> live, FindLiveMounts(store.identity()));
  std::vector<LiveMount> mounts = Followers(std::move(live));

  const auto begin = std::chrono::steady_clock::now();
  VENEER_TRY(PrepareAll(mounts, report));
  event.generation = number;
  update.PutGeneration(report.generation);
  update.SetCurrent(number);
  update.AddEvent(std::move(event));
  if (Status stopped = CheckCancel(); !stopped) {
    AbortFirst(mounts, mounts.size());
    return tl::unexpected<Error>(std::move(stopped).error());
  }
  // Where this fails the lines to the mounts are cut, and each looks at the record: see Supervisor::Gone.
  if (const Status recorded = catalog.Commit(std::move(update)); !recorded) {
    return tl::unexpected<Error>(NotRecorded(recorded.error(), number));
  }
  VENEER_TRY(CommitAll(mounts, report));
  report.microseconds = MicrosecondsSince(begin);
  // Mounts that began meanwhile may have read the record as it was before. The switch has happened: what goes
  // wrong here is a warning.
  if (Status along = TakeAlong(store, report); !along) report.warnings.push_back(along.error().message());
  return report;
}

Result<SwitchReport> CatchUp(const catalog::Store& store, const catalog::GenerationRecord& current) {
  SwitchReport report;
  report.generation = current;
  const auto begin = std::chrono::steady_clock::now();
  VENEER_TRY(TakeAlong(store, report));
  report.microseconds = MicrosecondsSince(begin);
  return report;
}

}  // namespace veneer::fuse
