#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <system_error>
#include <thread>

#include "fs/core/garbage.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/store_change.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  uint64_t keep = 1;
  bool dry_run = false;
};

// What the kernel drops reaches a server a moment later.
constexpr int kTries = 20;
constexpr std::chrono::milliseconds kBetweenTries{25};

// Why a layer that no generation needs is kept, by id.
using InUse = std::map<std::string, std::string>;

// Asks `mount` to close the layers that it does not show and nobody uses. Adds those of `layers` that it
// keeps; all of them where it cannot tell now.
Status Release(fuse::LiveMount& mount, const std::vector<core::Candidate>& layers, InUse& kept) {
  nlohmann::json answer;
  for (int i = 0; i < kTries; ++i) {
    if (i != 0) std::this_thread::sleep_for(kBetweenTries);
    auto asked = mount.channel.Ask({{"request", "release"}});
    if (!asked && asked.error().code() == ErrorCode::kBusy) {
      for (const core::Candidate& layer : layers)
        kept.emplace(layer.record.id, fmt::format("{} cannot tell whether it is in use: {}", mount.dir(),
                                                  asked.error().message()));
      return {};
    }
    VENEER_ASSIGN(answer, std::move(asked));
    if (answer["kept"].empty()) return {};
  }
  for (const auto& layer : answer["kept"]) {
    kept[layer.at("layer")] = fmt::format("files of it are in use at {}; run: veneer ps", mount.dir());
  }
  return {};
}

uint64_t SizeOf(const std::string& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

// The record goes first: a crash between the two leaves a file that the next run takes away.
Status Remove(const StoreChange& change, const core::Candidate& layer, uint64_t generation) {
  catalog::Update update;
  update.DropLayer(layer.record.id);
  update.AddEvent({0, io::SystemClock().Now(), "gc", generation, ActingUser("gc"),
                   fmt::format("removed {} {}", layer.manifest.name, layer.record.id)});
  VENEER_TRY(change.catalog->Commit(std::move(update)));
  const std::string path = change.store.LayerPath(layer.record.file_name);
  if (Status removed = change.store.disk().Remove(path);
      !removed && removed.error().code() != ErrorCode::kNotFound) {
    return removed;
  }
  return change.store.disk().SyncFolder(change.store.layers_path());
}

using Wanted = std::function<bool(const std::filesystem::directory_entry&)>;

// Adds what is in `folder` and not wanted.
Status FindUnwanted(const std::string& folder, const Wanted& wanted, std::vector<std::string>& found) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!wanted(entry)) found.push_back(entry.path());
  }
  if (error && error != std::errc::no_such_file_or_directory) return FailErrno(error.value(), folder);
  return {};
}

// What interrupted commands left: files in the folder of layers that no record names, withdrawals that did
// not get their names, a catalog that was still being made.
Result<std::vector<std::string>> FindLeftovers(const StoreChange& change,
                                               const std::vector<core::Candidate>& layers) {
  const catalog::Store& store = change.store;
  std::set<std::string> known;
  for (const core::Candidate& layer : layers) known.insert(layer.record.file_name);
  std::vector<std::string> leftovers;
  const auto is_known = [&](const auto& entry) {
    std::error_code error;
    return known.contains(entry.path().filename()) || !entry.is_regular_file(error);
  };
  const auto is_withdrawal = [](const auto& entry) { return entry.path().extension() == ".withdrawal"; };
  const auto is_in_use = [&](const auto& entry) { return entry.path() != store.new_catalog_path(); };
  VENEER_TRY(FindUnwanted(store.layers_path(), is_known, leftovers));
  VENEER_TRY(FindUnwanted(store.withdrawals_path(), is_withdrawal, leftovers));
  VENEER_TRY(FindUnwanted(store.path(), is_in_use, leftovers));
  return leftovers;
}

struct Tally {
  Json removed = Json::array();
  Json kept = Json::array();
  uint64_t bytes = 0;
};

Status RemoveLeftovers(const StoreChange& change, const Options& options,
                       const std::vector<core::Candidate>& layers, Tally& tally, Output& output) {
  VENEER_ASSIGN(const auto leftovers, FindLeftovers(change, layers));
  for (const std::string& path : leftovers) {
    const uint64_t size = SizeOf(path);
    if (!options.dry_run) VENEER_TRY(change.store.disk().RemoveTree(path));
    output.Line("{:<7}  {} ({}): no record names it", options.dry_run ? "garbage" : "removed", path,
                SizeText(size));
    tally.removed.push_back({{"file", ToUtf8(path)}, {"bytes", size}, {"reason", "no record names it"}});
    tally.bytes += size;
  }
  return {};  // one that a power cut brings back is found again
}

Status RemoveGarbage(const StoreChange& change, const Options& options, const core::GarbageFacts& facts,
                     const InUse& in_use, Tally& tally, Output& output) {
  for (const core::Verdict& verdict : core::JudgeGarbage(facts)) {
    const catalog::LayerRecord& record = verdict.layer->record;
    const auto user = in_use.find(record.id);
    const bool keep = verdict.needed || user != in_use.end();
    const std::string& reason = verdict.needed || !keep ? verdict.reason : user->second;
    const uint64_t size = SizeOf(change.store.LayerPath(record.file_name));
    output.Line("{:<7}  {} ({}): {}",
                keep              ? "kept"
                : options.dry_run ? "garbage"
                                  : "removed",
                verdict.layer->manifest.name, SizeText(size), reason);
    Json json = {
        {"id", record.id}, {"name", verdict.layer->manifest.name}, {"bytes", size}, {"reason", reason}};
    (keep ? tally.kept : tally.removed).push_back(std::move(json));
    if (keep) continue;
    tally.bytes += size;
    if (!options.dry_run) VENEER_TRY(Remove(change, *verdict.layer, facts.state.current));
  }
  return {};
}

Status CollectGarbage(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const StoreChange change, OpenForChange(globals));
  core::GarbageFacts facts;
  facts.keep = options.keep;
  VENEER_ASSIGN(facts.state, change.catalog->ReadState());
  if (facts.state.current == 0) {
    return Fail(ErrorCode::kUsage,
                "{}: no generation is current, so nobody can tell what is needed; run: veneer install BASE "
                "--activate",
                globals.store);
  }
  VENEER_ASSIGN(facts.layers, change.Candidates());
  VENEER_ASSIGN(facts.generations, change.catalog->Generations());
  VENEER_ASSIGN(auto mounts, fuse::FindLiveMounts(change.store.identity()));
  InUse in_use;
  for (fuse::LiveMount& mount : mounts) {
    facts.mounted.insert(mount.generation());
    VENEER_TRY(Release(mount, facts.layers, in_use));
  }
  Tally tally;
  VENEER_TRY(RemoveLeftovers(change, options, facts.layers, tally, output));
  VENEER_TRY(RemoveGarbage(change, options, facts, in_use, tally, output));
  output.json() = {
      {"dry_run", options.dry_run}, {"removed", tally.removed}, {"kept", tally.kept}, {"bytes", tally.bytes}};
  output.Note("{}{}", SizeText(tally.bytes), options.dry_run ? " would be freed" : " freed");
  return {};
}

}  // namespace

Action AddGc(CLI::App& verb) {
  verb.description("Remove installed layers that nothing needs any more");
  auto options = std::make_shared<Options>();
  verb.add_option("--keep", options->keep, "Former generations to which it stays possible to go back")
      ->capture_default_str()
      ->type_name("N")
      ->check(WholeNumber(0));
  verb.add_flag("-n,--dry-run", options->dry_run, "Only say what would be removed");
  return
      [options](const Globals& globals, Output& output) { return CollectGarbage(*options, globals, output); };
}

}  // namespace veneer::tools
