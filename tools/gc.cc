#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <thread>

#include "fs/catalog/ballast.h"
#include "fs/catalog/catalog_lock.h"
#include "fs/core/catalog_places.h"
#include "fs/core/garbage.h"
#include "fs/core/signed_layers.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "fs/io/list_folder.h"
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
// keeps; all of them where it cannot tell now. False where it has gone meanwhile: it holds nothing then.
Result<bool> Release(fuse::LiveMount& mount, const std::vector<core::Candidate>& layers, InUse& kept) {
  nlohmann::json answer;
  for (int i = 0; i < kTries; ++i) {
    if (i != 0) std::this_thread::sleep_for(kBetweenTries);
    auto asked = mount.channel.Ask({{"request", "release"}});
    if (!asked && asked.error().code() == ErrorCode::kNotFound) return false;
    if (!asked && asked.error().code() == ErrorCode::kBusy) {
      for (const core::Candidate& layer : layers)
        kept.emplace(layer.record.id, fmt::format("{} cannot tell whether it is in use: {}", mount.dir(),
                                                  asked.error().message()));
      return true;
    }
    VENEER_ASSIGN(answer, std::move(asked));
    if (answer["kept"].empty()) return true;
  }
  for (const auto& layer : answer["kept"]) {
    kept[layer.at("layer")] = fmt::format("files of it are in use at {}; run: veneer ps", mount.dir());
  }
  return true;
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

struct Leftover {
  std::string path;
  std::string reason;
  bool garbage = true;
};

// What a file holds, or a folder with all that is in it.
uint64_t TreeSize(const std::string& path) {
  uint64_t size = SizeOf(path);
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(path, error);
  for (; entry != std::filesystem::recursive_directory_iterator(); entry.increment(error))
    size += SizeOf(entry->path());
  return size;
}

// A file that did not get its name (io::AtomicFile).
bool IsTemporary(const std::string& name) {
  return name.find(".tmp-") != std::string::npos;
}

// A file in the folder of layers that no record names. Only what is known to be of no use is garbage: a whole
// layer that its installation left so, and what did not even get its name. One that nobody can judge now may
// be all that there is of a layer.
Leftover JudgeUnrecorded(const StoreReading& reading, const std::string& name) {
  const std::string path = reading.store.LayerPath(name);
  if (IsTemporary(name)) return {path, "left by an interrupted command"};
  const auto whole = core::VerifyLayerFile(reading.store, name, *reading.trust);
  if (whole) return {path, "no record names it"};
  return {path,
          fmt::format("no record names it, and it is not known to be of no use: {}", whole.error().message()),
          false};
}

// The names in `folder`; none where it is not there, or is none.
Result<std::vector<std::string>> NamesIn(const std::string& folder) {
  auto names = io::ListFolder(folder);
  const bool none =
      !names && (names.error().code() == ErrorCode::kNotFound || names.error().code() == ErrorCode::kCorrupt);
  return none ? std::vector<std::string>() : std::move(names);
}

// What interrupted commands left: files in the folder of layers that no record names, withdrawals that did
// not get their names; catalogs that were replaced, or still being made; and half a ballast.
Result<std::vector<Leftover>> FindLeftovers(const StoreReading& reading) {
  const catalog::Store& store = reading.store;
  std::set<std::string> known;
  VENEER_ASSIGN(const auto layers, reading.catalog->Layers());
  for (const catalog::LayerRecord& layer : layers) known.insert(layer.file_name);
  std::vector<Leftover> leftovers;
  VENEER_ASSIGN(const auto files, NamesIn(store.layers_path()));
  for (const std::string& name : files) {
    std::error_code error;
    const bool is_file = std::filesystem::is_regular_file(store.LayerPath(name), error);
    if (is_file && !known.contains(name)) leftovers.push_back(JudgeUnrecorded(reading, name));
  }
  VENEER_ASSIGN(const auto withdrawals, NamesIn(store.withdrawals_path()));
  for (const std::string& name : withdrawals) {
    if (!IsTemporary(name)) continue;
    leftovers.push_back({store.withdrawals_path() + "/" + name, "left by an interrupted command"});
  }
  VENEER_ASSIGN(const auto others, NamesIn(store.path()));
  for (const std::string& name : others) {
    const std::string path = store.path() + "/" + name;
    if (core::IsFormerCatalog(name)) leftovers.push_back({path, "a catalog that another one has replaced"});
    if (IsTemporary(name) && name.starts_with(catalog::kBallast))
      leftovers.push_back({path, "left by an interrupted command"});
  }
  return leftovers;
}

struct Tally {
  Json removed = Json::array();
  Json kept = Json::array();
  uint64_t bytes = 0;
};

// Whether it can be told what is needed.
Status CheckCurrent(const catalog::Store& store, const catalog::State& state) {
  if (state.current != 0) return {};
  return Fail(ErrorCode::kUsage,
              "{}: no generation is current, so nobody can tell what is needed; run: veneer install BASE "
              "--activate",
              store.path());
}

// Under the catalog's lock, and without opening it for writing: this needs no room on the disk, and so often
// makes the room that the rest needs.
Status RemoveLeftovers(const Options& options, const Globals& globals, Tally& tally, Output& output) {
  VENEER_ASSIGN(auto store, catalog::Store::Open(globals.store, globals.trust, globals.medium));
  VENEER_ASSIGN(auto trust, store.LoadTrust());
  VENEER_ASSIGN(const UniqueFd lock,
                catalog::HoldCatalog(store.catalog_path(), kPatience, WaitNotice(globals)));
  VENEER_ASSIGN(auto catalog, store.OpenCatalogForReading());
  const StoreReading reading{std::move(store), std::move(catalog), std::move(trust)};
  VENEER_ASSIGN(const catalog::State state, reading.catalog->ReadState());
  VENEER_ASSIGN(const auto leftovers, FindLeftovers(reading));
  const bool can_tell = CheckCurrent(reading.store, state).has_value();
  for (const auto& [path, reason, garbage] : leftovers) {
    if (!can_tell && !IsTemporary(std::filesystem::path(path).filename())) continue;
    const uint64_t size = TreeSize(path);
    Json json = {{"file", ToUtf8(path)}, {"bytes", size}, {"reason", ToUtf8(reason)}};
    if (garbage && !options.dry_run) VENEER_TRY(reading.store.disk().RemoveTree(path));
    output.Line("{:<7}  {} ({}): {}",
                !garbage          ? "kept"
                : options.dry_run ? "garbage"
                                  : "removed",
                path, SizeText(size), reason);
    (garbage ? tally.removed : tally.kept).push_back(std::move(json));
    if (garbage) tally.bytes += size;
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

// What the mounts use, and which generations they show. One whose server was killed, and may have another
// soon, cannot be asked: it may use anything.
Result<InUse> AskMounts(const StoreChange& change, core::GarbageFacts& facts) {
  InUse in_use;
  VENEER_ASSIGN(auto mounts, fuse::FindLiveMounts(change.store.identity()));
  for (fuse::LiveMount& mount : mounts) {
    VENEER_ASSIGN(const bool is_there, Release(mount, facts.layers, in_use));
    if (!is_there) continue;
    facts.mounted.insert(mount.generation());
    for (const std::string& id : mount.layers()) in_use.emplace(id, fmt::format("shown at {}", mount.dir()));
  }
  std::erase_if(mounts, [](const fuse::LiveMount& mount) { return mount.channel.gone(); });
  VENEER_ASSIGN(const auto unserved, fuse::FindUnserved(change.store.path(), mounts));
  for (const std::string& dir : unserved) {
    for (const core::Candidate& layer : facts.layers)
      in_use.emplace(layer.record.id,
                     fmt::format("no server answers at {}, where it may be in use; run: veneer status", dir));
  }
  return in_use;
}

void ShowTally(const Options& options, const Tally& tally, Output& output) {
  output.json() = {
      {"dry_run", options.dry_run}, {"removed", tally.removed}, {"kept", tally.kept}, {"bytes", tally.bytes}};
  output.Note("{}{}", SizeText(tally.bytes), options.dry_run ? " would be freed" : " freed");
}

Status CollectGarbage(const Options& options, const Globals& globals, Output& output) {
  Tally tally;
  VENEER_TRY(RemoveLeftovers(options, globals, tally, output));
  VENEER_ASSIGN(const StoreChange change, OpenForChange(globals, Ballast::kMayGo));
  core::GarbageFacts facts;
  facts.keep = options.keep;
  VENEER_ASSIGN(facts.state, change.catalog->ReadState());
  if (Status checked = CheckCurrent(change.store, facts.state); !checked) {
    if (tally.removed.empty()) return checked;
    ShowTally(options, tally, output);
    output.Note("layers stay as they are: {}", checked.error().message());
    return {};
  }
  VENEER_ASSIGN(facts.layers, change.Candidates());
  VENEER_ASSIGN(facts.generations, change.catalog->Generations());
  VENEER_ASSIGN(const InUse in_use, AskMounts(change, facts));
  VENEER_TRY(RemoveGarbage(change, options, facts, in_use, tally, output));
  catalog::KeepBallast(change.store);
  ShowTally(options, tally, output);
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
  return [options](const Globals& globals, Output& output) {
    return WithRoomMended(CollectGarbage(*options, globals, output),
                          "make room on that file system by other means, and run: veneer gc");
  };
}

}  // namespace veneer::tools
