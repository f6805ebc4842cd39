#include "fs/catalog/writing_env.h"

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>
#include <sys/stat.h>

#include <optional>
#include <utility>

#include "fs/catalog/rocks_status.h"

namespace veneer::catalog {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Which folder `path` is; nothing if none.
std::optional<std::pair<dev_t, ino_t>> IdentityOf(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return std::nullopt;
  return std::pair(st.st_dev, st.st_ino);
}

class WritingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  WritingFileSystem(std::shared_ptr<rocksdb::FileSystem> base, const std::string& path)
      : FileSystemWrapper(std::move(base)), path_(path), folder_(IdentityOf(path)) {}
  const char* Name() const override { return "WritingFileSystem"; }

  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    if (to.ends_with("/CURRENT")) {
      std::unique_ptr<rocksdb::FSDirectory> folder;
      IOStatus status = target()->NewDirectory(to.substr(0, to.rfind('/')), options, &folder, debug);
      if (status.ok()) status = folder->Fsync(options, debug);
      if (!status.ok()) return status;
    }
    return target()->RenameFile(from, to, options, debug);
  }

  // RocksDB makes what it is to open. The catalog may have left its place since it was looked for: what were
  // made there would keep another from getting the place.
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    if (path == path_ && IdentityOf(path_) != folder_) return LockOfAnother(path);
    return target()->CreateDirIfMissing(path, options, debug);
  }

  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* debug) override {
    IOStatus status = target()->LockFile(path, options, lock, debug);
    if (!status.ok() || (folder_ && IdentityOf(path_) == folder_)) return status;
    status = target()->UnlockFile(std::exchange(*lock, nullptr), options, debug);
    return status.ok() ? LockOfAnother(path) : status;
  }

 private:
  std::string path_;
  std::optional<std::pair<dev_t, ino_t>> folder_;
};

class WritingEnv final : public rocksdb::EnvWrapper {
 public:
  // RocksDB takes some of its steps by the Env and some by the file system in it: `composite` takes all by
  // that.
  WritingEnv(std::unique_ptr<rocksdb::Env> composite, std::shared_ptr<rocksdb::SystemClock> clock)
      : EnvWrapper(std::move(composite)) {
    file_system_ = target()->GetFileSystem();
    system_clock_ = std::move(clock);
  }
  const char* Name() const override { return "WritingEnv"; }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewWritingEnv(rocksdb::Env* base, const std::string& path) {
  if (base == nullptr) base = rocksdb::Env::Default();
  auto files = std::make_shared<WritingFileSystem>(base->GetFileSystem(), path);
  return std::make_unique<WritingEnv>(rocksdb::NewCompositeEnv(std::move(files)), base->GetSystemClock());
}

}  // namespace veneer::catalog
