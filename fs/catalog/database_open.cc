#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "fs/base/bytes.h"
#include "fs/base/cancel.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/catalog_lock.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/log_check.h"
#include "fs/catalog/rocks_options.h"
#include "fs/catalog/rocks_status.h"
#include "fs/catalog/writing_env.h"
#include "fs/io/file_ops.h"

namespace veneer::catalog {
namespace {

using std::chrono::milliseconds;

// How often a reader tries to meet a moment in which no writer changes the set of files.
constexpr unsigned kReadTries = 200;
constexpr milliseconds kLongestReadPause{4};
constexpr milliseconds kLongestLockPause{50};

// What RocksDB's files say of themselves: which MANIFEST holds the list of tables and logs, and how long it
// is. Every change to that list makes it longer or is the start of another one, and comes before the old
// files go.
struct Moment {
  std::string manifest;
  std::optional<off_t> size;  // nothing: gone
  ino_t inode = 0;            // another one where the whole catalog was made anew

  bool operator==(const Moment&) const = default;
};

Result<Moment> ReadMoment(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    if (errno != ENOENT) return FailErrno(errno, path);
    return Fail(ErrorCode::kNotFound, "{}: there is no catalog{}", path, kRepairCatalog);
  }
  if (!S_ISDIR(st.st_mode)) {
    return Fail(ErrorCode::kDamaged, "{}: the catalog is damaged: not a folder{}", path, kRepairCatalog);
  }
  const auto current = io::ReadWholeFile(path + "/CURRENT", 256);
  if (!current && current.error().code() == ErrorCode::kIo) return tl::unexpected(current.error());
  const std::string name(current ? AsText(*current).substr(0, AsText(*current).find('\n')) : "");
  if (!IsPlainFileName(name)) {
    return Fail(ErrorCode::kDamaged, "{}/CURRENT: missing, or not the name of a file{}", path,
                kRepairCatalog);
  }
  Moment moment{name, {}, 0};
  if (::stat((path + "/" + name).c_str(), &st) == 0) {
    moment.size = st.st_size;
    moment.inode = st.st_ino;
  }
  return moment;
}

}  // namespace

rocksdb::Status Database::Open(const std::string& path, OpenMode mode, rocksdb::Env* env,
                               std::optional<FamilyIndex> only, std::unique_ptr<Database>& database) {
  rocksdb::DB* db = nullptr;
  Families families;
  auto writing = mode == OpenMode::kRead ? nullptr : NewWritingEnv(env, path);
  const auto options = DatabaseOptions(mode, writing.get());
  auto wanted = FamilyDescriptors();
  if (only) wanted = {wanted[0], wanted[*only + 1]};
  const auto status = mode == OpenMode::kRead
                          ? rocksdb::DB::OpenForReadOnly(options, path, wanted, &families, &db)
                          : rocksdb::DB::Open(options, path, wanted, &families, &db);
  if (status.ok()) {
    if (only) {
      Families all(kFamilyCount + 1);
      all[0] = families[0];
      all[*only + 1] = families[1];
      families = std::move(all);
    }
    database.reset(
        new Database(path, std::move(writing), std::unique_ptr<rocksdb::DB>(db), std::move(families)));
  }
  return status;
}

Status Database::Create(const std::string& path, const Medium& medium) {
  VENEER_TRY(medium.disk->MakeFolder(path));
  std::unique_ptr<Database> database;
  const auto status = Open(path, OpenMode::kCreate, medium.env, {}, database);
  database.reset();
  Status done = status.ok() ? medium.disk->SyncFolder(path) : Status(tl::unexpected(FromRocks(status, path)));
  if (done) done = medium.disk->SyncFolder(path + "/..");
  if (!done) static_cast<void>(medium.disk->RemoveTree(path));
  return done;
}

// RocksDB reads the list of files first and then the files, and takes it as it finds it when a writer removes
// a log in between: commits in the middle would be missing. So what was opened counts only if the list is
// still the same; and a failure counts only then.
Result<std::unique_ptr<Database>> Database::OpenForReading(const std::string& path, Logs logs,
                                                           std::optional<FamilyIndex> only) {
  for (unsigned tries = 1;; ++tries) {
    VENEER_ASSIGN(const Moment before, ReadMoment(path));
    VENEER_TRY(CheckFiles(path));
    if (logs == Logs::kWhole) VENEER_TRY(CheckLogs(path));
    std::unique_ptr<Database> database;
    const auto status = Open(path, OpenMode::kRead, nullptr, only, database);
    VENEER_ASSIGN(const Moment after, ReadMoment(path));
    if (before == after) {
      if (status.ok()) return database;
      return tl::unexpected(FromRocks(status, path));
    }
    if (tries == kReadTries) {
      return Fail(ErrorCode::kBusy, "{}: other veneer commands keep changing it; try again", path);
    }
    std::this_thread::sleep_for(std::min(milliseconds(tries / 4), kLongestReadPause));
  }
}

Result<std::unique_ptr<Database>> Database::OpenForWriting(const std::string& path, milliseconds wait,
                                                           const std::function<void()>& on_wait,
                                                           rocksdb::Env* env) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (milliseconds pause{1};; pause = std::min(2 * pause, kLongestLockPause)) {
    VENEER_TRY(ReadMoment(path));
    VENEER_TRY(CheckFiles(path));
    VENEER_TRY(CheckLogs(path));
    std::unique_ptr<Database> database;
    const auto status = Open(path, OpenMode::kWrite, env, {}, database);
    if (status.ok()) return database;
    if (!LockIsHeld(status)) return tl::unexpected(FromRocks(status, path));
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return StillLocked(path);
    VENEER_TRY(CheckCancel());
    if (pause == milliseconds(1) && on_wait) on_wait();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, deadline - now));
  }
}

}  // namespace veneer::catalog
