#include "fs/core/catalog_places.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "fs/catalog/keys.h"
#include "fs/io/list_folder.h"

namespace veneer::core {
namespace {

constexpr std::string_view kNew = "catalog.new";
constexpr std::string_view kOnItsWay = "catalog.was";
constexpr std::string_view kOld = "catalog.old-";

std::string OnItsWay(const catalog::Store& store) {
  return fmt::format("{}/{}", store.path(), kOnItsWay);
}

bool IsThere(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

// A name of one that is replaced at `now` that nothing has yet.
std::string NewName(const catalog::Store& store, int64_t now) {
  const std::string name = fmt::format("{}/{}{}", store.path(), kOld, now);
  std::string free = name;
  for (int i = 1; IsThere(free); ++i) free = fmt::format("{}-{}", name, i);
  return free;
}

// When the catalog of this name was replaced, and which of that second it is.
std::optional<std::pair<uint64_t, uint64_t>> Age(std::string_view name) {
  if (!name.starts_with(kOld)) return std::nullopt;
  name.remove_prefix(kOld.size());
  const size_t dash = std::min(name.find('-'), name.size());
  const auto time = catalog::ParseDecimal(name.substr(0, dash), catalog::kMaxNumber);
  if (!time || dash == name.size()) return time ? std::optional(std::pair(*time, uint64_t{0})) : std::nullopt;
  const auto turn = catalog::ParseDecimal(name.substr(dash + 1), catalog::kMaxNumber);
  return turn ? std::optional(std::pair(*time, *turn)) : std::nullopt;
}

// Where one rename cannot do it. Between the two, the old one has a name that says so, which it keeps until
// the other one is surely in its place.
Status MoveAside(const catalog::Store& store, const std::string& kept) {
  io::Disk& disk = store.disk();
  const std::string place = store.catalog_path();
  VENEER_TRY(disk.Rename(place, OnItsWay(store)));
  if (Status moved = disk.Rename(store.new_catalog_path(), place); !moved) {
    static_cast<void>(disk.Rename(OnItsWay(store), place));  // or else the next repair does it
    return moved;
  }
  VENEER_TRY(disk.SyncFolder(store.path()));
  return disk.Rename(OnItsWay(store), kept);
}

}  // namespace

bool IsFormerCatalog(const std::string& name) {
  return name == kNew || name == kOnItsWay || Age(name).has_value();
}

Status SettleCatalogs(const catalog::Store& store) {
  io::Disk& disk = store.disk();
  if (!IsThere(store.catalog_path()) && IsThere(OnItsWay(store))) {
    VENEER_TRY(disk.Rename(OnItsWay(store), store.catalog_path()));
    VENEER_TRY(disk.SyncFolder(store.path()));
  }
  VENEER_TRY(disk.RemoveTree(OnItsWay(store)));
  return disk.RemoveTree(store.new_catalog_path());
}

Result<std::optional<std::string>> NewestFormerCatalog(const catalog::Store& store) {
  VENEER_ASSIGN(const auto names, io::ListFolder(store.path()));
  std::optional<std::pair<uint64_t, uint64_t>> newest;
  std::optional<std::string> path;
  for (const std::string& name : names) {
    const auto age = Age(name);
    if (!age || (newest && *age < *newest)) continue;
    newest = age;
    path = store.path() + "/" + name;
  }
  return path;
}

Result<std::string> ReplaceCatalog(const catalog::Store& store, int64_t now) {
  io::Disk& disk = store.disk();
  const std::string fresh = store.new_catalog_path();
  const std::string place = store.catalog_path();
  if (!IsThere(place)) {
    VENEER_TRY(disk.Rename(fresh, place));
    VENEER_TRY(disk.SyncFolder(store.path()));
    return std::string();
  }
  std::string kept = NewName(store, now);
  if (Status exchanged = disk.Exchange(fresh, place); exchanged) {
    VENEER_TRY(disk.Rename(fresh, kept));
  } else if (exchanged.error().code() == ErrorCode::kUnsupported) {
    VENEER_TRY(MoveAside(store, kept));
  } else {
    return tl::unexpected<Error>(std::move(exchanged).error());
  }
  VENEER_TRY(disk.SyncFolder(store.path()));
  return kept;
}

}  // namespace veneer::core
