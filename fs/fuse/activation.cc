#include "fs/fuse/activation.h"

#include <chrono>
#include <filesystem>
#include <system_error>

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Asks every mount to prepare; those that did are to be told to abort if a later one refuses.
Status PrepareAll(std::vector<LiveMount>& mounts, const catalog::GenerationRecord& generation) {
  const json request = {
      {"request", "prepare"}, {"generation", generation.number}, {"layers", generation.layers}};
  for (LiveMount& mount : mounts) {
    if (auto answer = mount.channel.Ask(request); !answer) {
      return tl::unexpected<Error>(answer.error().Within(mount.dir()));
    }
  }
  return {};
}

void AbortAll(std::vector<LiveMount>& mounts) {
  // A mount that cannot be told finds out when the line is cut.
  for (LiveMount& mount : mounts) static_cast<void>(mount.channel.Ask({{"request", "abort"}}));
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

}  // namespace

Result<std::vector<LiveMount>> FindLiveMounts(const std::string& identity) {
  std::vector<LiveMount> mounts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(ControlFolder(identity), error)) {
    auto channel = ControlChannel::Connect(entry.path());
    if (!channel) {
      if (channel.error().code() == ErrorCode::kNotFound) continue;
      return tl::unexpected<Error>(std::move(channel).error());
    }
    auto status = channel->Ask({{"request", "status"}});
    if (status) mounts.push_back({std::move(*channel), std::move(*status)});
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
  VENEER_ASSIGN(std::vector<LiveMount> mounts, FindLiveMounts(store.identity()));
  std::erase_if(mounts, [](const LiveMount& mount) { return mount.pinned(); });

  const auto begin = std::chrono::steady_clock::now();
  if (Status prepared = PrepareAll(mounts, report.generation); !prepared) {
    AbortAll(mounts);
    return tl::unexpected<Error>(std::move(prepared).error());
  }
  event.generation = number;
  update.PutGeneration(report.generation);
  update.SetCurrent(number);
  update.AddEvent(std::move(event));
  if (Status recorded = catalog.Commit(std::move(update)); !recorded) {
    AbortAll(mounts);
    return tl::unexpected<Error>(std::move(recorded).error());
  }
  CommitAll(mounts, report);
  report.microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace veneer::fuse
