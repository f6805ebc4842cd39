#include "fs/fuse/activation.h"

#include <chrono>
#include <filesystem>
#include <system_error>

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Takes back what the first `count` mounts prepared. One that cannot be told finds out when the line is cut.
void AbortFirst(std::vector<LiveMount>& mounts, size_t count) {
  for (size_t i = 0; i < count; ++i) static_cast<void>(mounts[i].channel.Ask({{"request", "abort"}}));
}

// All prepare, or none.
Status PrepareAll(std::vector<LiveMount>& mounts, const catalog::GenerationRecord& generation) {
  const json request = {
      {"request", "prepare"}, {"generation", generation.number}, {"layers", generation.layers}};
  for (size_t i = 0; i < mounts.size(); ++i) {
    if (auto answer = mounts[i].channel.Ask(request); !answer) {
      AbortFirst(mounts, i);
      return tl::unexpected<Error>(answer.error().Within(mounts[i].dir()));
    }
  }
  return {};
}

Result<LiveMount> Meet(const std::string& path) {
  VENEER_ASSIGN(ControlChannel channel, ControlChannel::Connect(path));
  VENEER_ASSIGN(json status, channel.Ask({{"request", "status"}}));
  return LiveMount{std::move(channel), std::move(status)};
}

void CommitAll(std::vector<LiveMount>& mounts, SwitchReport& report) {
  for (LiveMount& mount : mounts) {
    auto answer = mount.channel.Ask({{"request", "commit"}});
    if (!answer) {
      report.warnings.push_back(answer.error().Within(mount.dir()).message());
      continue;
    }
    report.mounts.push_back({mount.dir(), answer->value("entries", uint64_t{0}),
                             answer->value("folders", uint64_t{0}),
                             answer->value("longest_wait_us", int64_t{0})});
  }
}

Result<std::vector<LiveMount>> FindFollowers(const std::string& identity) {
  VENEER_ASSIGN(std::vector<LiveMount> mounts, FindLiveMounts(identity));
  std::erase_if(mounts, [](const LiveMount& mount) { return mount.pinned(); });
  return mounts;
}

// Takes along the mounts that began while the switch was under way and read the record as it was before. The
// switch has happened: what goes wrong here is a warning.
void CatchUp(const std::string& identity, SwitchReport& report) {
  auto mounts = FindFollowers(identity);
  if (!mounts) {
    report.warnings.push_back(mounts.error().message());
    return;
  }
  std::erase_if(*mounts,
                [&](const LiveMount& mount) { return mount.generation() == report.generation.number; });
  if (Status prepared = PrepareAll(*mounts, report.generation); !prepared) {
    report.warnings.push_back(prepared.error().message());
    return;
  }
  CommitAll(*mounts, report);
}

}  // namespace

Result<std::vector<LiveMount>> FindLiveMounts(const std::string& identity) {
  std::vector<LiveMount> mounts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(ControlFolder(identity), error)) {
    if (entry.path().extension() != ".sock") continue;
    auto mount = Meet(entry.path());
    if (mount) {
      mounts.push_back(std::move(*mount));
    } else if (mount.error().code() != ErrorCode::kNotFound) {
      return tl::unexpected<Error>(mount.error().Within(entry.path().string()));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return FailErrno(error.value(), ControlFolder(identity));
  return mounts;
}

Result<SwitchReport> SwitchGeneration(const catalog::Store& store, catalog::Catalog& catalog,
                                      const std::vector<std::string>& layers, const std::string& reason,
                                      catalog::Event event, catalog::Update update) {
  SwitchReport report;
  VENEER_ASSIGN(const uint64_t number, catalog.NextGeneration());
  report.generation = {number, layers, catalog::EffectiveRoot(layers), reason, event.time};
  VENEER_ASSIGN(std::vector<LiveMount> mounts, FindFollowers(store.identity()));

  const auto begin = std::chrono::steady_clock::now();
  VENEER_TRY(PrepareAll(mounts, report.generation));
  event.generation = number;
  update.PutGeneration(report.generation);
  update.SetCurrent(number);
  update.AddEvent(std::move(event));
  if (Status recorded = catalog.Commit(std::move(update)); !recorded) {
    AbortFirst(mounts, mounts.size());
    return tl::unexpected<Error>(std::move(recorded).error());
  }
  CommitAll(mounts, report);
  report.microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  CatchUp(store.identity(), report);
  return report;
}

}  // namespace veneer::fuse
