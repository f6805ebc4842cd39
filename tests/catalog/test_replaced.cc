// A catalog that `repair-catalog` puts another in the place of, at the worst moment for who waits for it.
#include <fcntl.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdio>
#include <functional>
#include <optional>

#include "fs/catalog/catalog.h"
#include "fs/catalog/catalog_lock.h"
#include "tests/catalog/child.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using std::chrono::milliseconds;

// A catalog, and a new one beside it that may take its place.
struct Replaceable {
  NewCatalog old;
  std::string fresh = old.path() + ".new";

  Replaceable() {
    REQUIRE_OK(CommitGeneration(*old.Write(), 1));
    REQUIRE_OK(Catalog::Create(fresh));
  }

  // As RebuildCatalog does, under the old one's lock, which it then lets go of.
  void Replace() const {
    REQUIRE(::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, old.path().c_str(), RENAME_EXCHANGE) == 0);
  }
};

// Calls a function once, when RocksDB has opened and locked a file LOCK and not yet done anything with that.
class LockedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit LockedFileSystem(std::function<void()> on_lock)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), on_lock_(std::move(on_lock)) {}
  const char* Name() const override { return "LockedFileSystem"; }

  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* debug) override {
    const IOStatus status = target()->LockFile(path, options, lock, debug);
    if (status.ok() && on_lock_) std::exchange(on_lock_, nullptr)();
    return status;
  }

 private:
  std::function<void()> on_lock_;
};

TEST_CASE("a writer that gets the lock of a catalog that is not in its place any more has not got it") {
  const Replaceable catalogs;
  std::optional<Child> other;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<LockedFileSystem>([&] {
    catalogs.Replace();
    other.emplace("child: holds the catalog for writing", catalogs.old.path());
    REQUIRE(other->ReadLine() == "held");
  }));
  const Medium medium{.env = env.get()};
  REQUIRE_FAILS(ErrorCode::kBusy, Catalog::OpenForWriting(catalogs.old.path(), milliseconds(0), {}, medium));
  REQUIRE(other);
  const auto writer = Catalog::OpenForWriting(
      catalogs.old.path(), std::chrono::seconds(60), [&] { other->Go(); }, medium);
  REQUIRE_OK(writer);
  CHECK(other->Join());
  CHECK((*writer)->NextGeneration() == 1);  // it is the new one
  REQUIRE_OK(CommitGeneration(**writer, 1));
}

TEST_CASE("nor has who holds it without opening the catalog") {
  const Replaceable catalogs;
  auto lock = CatalogLock::Open(catalogs.old.path());
  REQUIRE_OK(lock);
  catalogs.Replace();
  CHECK(lock->Try() == false);
  auto now = CatalogLock::Open(catalogs.old.path());
  REQUIRE_OK(now);
  CHECK(now->Try() == true);
}

}  // namespace
}  // namespace veneer::catalog::testing
