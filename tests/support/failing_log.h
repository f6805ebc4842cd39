// A catalog whose log cannot be synced: what was written to it is there all the same.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace veneer::test {

// For one catalog::Medium. Syncing fails once Fail was called, of logs alone.
class FailingLog {
 public:
  FailingLog() : env_(rocksdb::NewCompositeEnv(std::make_shared<Files>(failing_))) {}

  rocksdb::Env* env() const { return env_.get(); }
  void Fail() { failing_ = true; }

 private:
  class Log final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Log(std::unique_ptr<rocksdb::FSWritableFile> file, const std::atomic<bool>& failing)
        : FSWritableFileOwnerWrapper(std::move(file)), failing_(failing) {}

    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return failing_ ? rocksdb::IOStatus::IOError("syncing refused") : target()->Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return failing_ ? rocksdb::IOStatus::IOError("syncing refused") : target()->Fsync(options, debug);
    }

   private:
    const std::atomic<bool>& failing_;
  };

  class Files final : public rocksdb::FileSystemWrapper {
   public:
    explicit Files(const std::atomic<bool>& failing)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), failing_(failing) {}
    const char* Name() const override { return "FailingLog"; }

    rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* debug) override {
      const auto status = target()->NewWritableFile(path, options, result, debug);
      if (status.ok() && path.ends_with(".log"))
        *result = std::make_unique<Log>(std::move(*result), failing_);
      return status;
    }

   private:
    const std::atomic<bool>& failing_;
  };

  std::atomic<bool> failing_ = false;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace veneer::test
