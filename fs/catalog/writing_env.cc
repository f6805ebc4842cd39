#include "fs/catalog/writing_env.h"

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <utility>

namespace veneer::catalog {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class WritingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit WritingFileSystem(std::shared_ptr<rocksdb::FileSystem> base)
      : FileSystemWrapper(std::move(base)) {}
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

std::unique_ptr<rocksdb::Env> NewWritingEnv(rocksdb::Env* base) {
  if (base == nullptr) base = rocksdb::Env::Default();
  auto files = std::make_shared<WritingFileSystem>(base->GetFileSystem());
  return std::make_unique<WritingEnv>(rocksdb::NewCompositeEnv(std::move(files)), base->GetSystemClock());
}

}  // namespace veneer::catalog
