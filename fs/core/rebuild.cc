#include "fs/core/rebuild.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "fs/catalog/catalog_lock.h"
#include "fs/catalog/remains.h"
#include "fs/core/catalog_places.h"
#include "fs/core/rebuild_contents.h"
#include "fs/core/rollback_guard.h"

namespace veneer::core {
namespace {

constexpr std::chrono::seconds kPatience{30};

// Makes the new catalog, and holds its lock: who waits for that of the old one would have it before all is
// settled.
Result<UniqueFd> Write(const catalog::Store& store, RebuildContents contents) {
  const std::string path = store.new_catalog_path();
  VENEER_TRY(catalog::Catalog::Create(path, store.medium()));
  VENEER_TRY(catalog::GoOnNumbering(path, contents.former, store.medium()));
  {
    VENEER_ASSIGN(const auto fresh, catalog::Catalog::OpenForWriting(path, kPatience, {}, store.medium()));
    VENEER_TRY(fresh->Commit(std::move(contents.update)));
  }
  return catalog::HoldCatalog(path, std::chrono::seconds(0));
}

// Keeps out whoever would change the old catalog, or rebuild it too, while the object lives.
struct Exclusion {
  UniqueFd store;
  UniqueFd catalog;  // none where there is no catalog
};

Result<Exclusion> KeepOthersOut(const catalog::Store& store, const std::function<void()>& on_wait) {
  Exclusion exclusion;
  VENEER_ASSIGN(exclusion.store, catalog::HoldStore(store.path(), kPatience, on_wait));
  VENEER_TRY(SettleCatalogs(store));
  auto held = catalog::HoldCatalog(store.catalog_path(), kPatience, on_wait);
  if (held) {
    exclusion.catalog = std::move(*held);
    return exclusion;
  }
  // Without it only where it is no file that anybody could lock.
  struct stat st {};
  const bool lockable = ::stat(store.catalog_path().c_str(), &st) == 0 && S_ISDIR(st.st_mode) &&
                        (::lstat((store.catalog_path() + "/LOCK").c_str(), &st) != 0 || S_ISREG(st.st_mode));
  if (lockable) return tl::unexpected<Error>(std::move(held).error());
  return exclusion;
}

}  // namespace

Result<RebuildResult> RebuildCatalog(const catalog::Store& store, int64_t now, const std::string& by,
                                     const RebuildCalls& calls) {
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const Exclusion exclusion, KeepOthersOut(store, calls.on_wait));
  RebuildResult result;
  VENEER_ASSIGN(RebuildContents contents, ComposeCatalog(store, *trust, now, by, result));
  VENEER_ASSIGN(const uint64_t count, RollbackGuard::TakeOver(trust->policy()));
  if (count != 0) contents.update.SetTpmCount(count);
  const auto fresh = Write(store, std::move(contents));
  Status done = fresh.map([](const UniqueFd&) {});
  if (done && calls.may_replace) done = calls.may_replace();
  if (!done) {
    static_cast<void>(store.disk().RemoveTree(store.new_catalog_path()));
    return tl::unexpected<Error>(std::move(done).error());
  }
  VENEER_ASSIGN(result.old_catalog, ReplaceCatalog(store, now));
  return result;
}

}  // namespace veneer::core
