#include "tests/crash/recording_env.h"

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <filesystem>

namespace veneer::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Kind = Step::Kind;

IOStatus Refused() {
  return IOStatus::NoSpace("refused by the test");
}

class RecordingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  RecordingFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, uint64_t size, StepLog& log)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), size_(size), log_(log) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->Append(data, options, debug); },
                     [&] {
                       const std::string_view text = data.ToStringView();
                       Step step{Kind::kWrite, path_, {}, size_, Bytes(text.begin(), text.end())};
                       size_ += data.size();
                       return step;
                     },
                     Refused());
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->Truncate(size, options, debug); },
                     [&] {
                       size_ = size;
                       return Step{Kind::kTruncate, path_, {}, size, {}};
                     },
                     Refused());
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->Sync(options, debug); }, [&] { return Synced(); }, Refused());
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->Fsync(options, debug); }, [&] { return Synced(); }, Refused());
  }

 private:
  Step Synced() const { return Step{Kind::kSync, path_, {}, 0, {}}; }

  std::string path_;
  uint64_t size_;
  StepLog& log_;
};

class RecordingFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  RecordingFolder(std::unique_ptr<rocksdb::FSDirectory> folder, std::string path, StepLog& log)
      : FSDirectoryWrapper(std::move(folder)), path_(std::move(path)), log_(log) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return FSDirectoryWrapper::Fsync(options, debug); }, [&] { return Synced(); },
                     Refused());
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& why) override {
    return log_.Take([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why); },
                     [&] { return Synced(); }, Refused());
  }

 private:
  Step Synced() const { return Step{Kind::kSyncFolder, path_, {}, 0, {}}; }

  std::string path_;
  StepLog& log_;
};

// Of the ways to change a file, those that RocksDB takes with the options of rocks_options.cc. That it takes
// no other is seen by comparing what was recorded with what is there.
class RecordingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit RecordingFileSystem(StepLog& log) : FileSystemWrapper(rocksdb::FileSystem::Default()), log_(log) {}
  const char* Name() const override { return "RecordingFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override {
    const std::string below = log_.Below(path);
    const IOStatus status = log_.Take([&] { return target()->NewWritableFile(path, options, result, debug); },
                                      [&] {
                                        return Step{Kind::kCreate, below, {}, 0, {}};
                                      },
                                      Refused());
    if (status.ok()) *result = std::make_unique<RecordingFile>(std::move(*result), below, 0, log_);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) override {
    const IOStatus status = target()->NewDirectory(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<RecordingFolder>(std::move(*result), log_.Below(path), log_);
    return status;
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->CreateDir(path, options, debug); },
                     [&] {
                       return Step{Kind::kMakeFolder, log_.Below(path), {}, 0, {}};
                     },
                     Refused());
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    if (std::filesystem::is_directory(path)) return IOStatus::OK();
    return CreateDir(path, options, debug);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return log_.Take([&] { return target()->DeleteFile(path, options, debug); },
                     [&] {
                       return Step{Kind::kRemove, log_.Below(path), {}, 0, {}};
                     },
                     Refused());
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return log_.Take([&] { return target()->RenameFile(from, to, options, debug); },
                     [&] {
                       return Step{Kind::kRename, log_.Below(from), log_.Below(to), 0, {}};
                     },
                     Refused());
  }
  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* debug) override {
    const bool there = std::filesystem::exists(path);
    if (there) return target()->LockFile(path, options, lock, debug);
    return log_.Take([&] { return target()->LockFile(path, options, lock, debug); },
                     [&] {
                       return Step{Kind::kCreate, log_.Below(path), {}, 0, {}};
                     },
                     Refused());
  }

 private:
  StepLog& log_;
};

// RocksDB's pauses after a failed write are of a second each.
class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int /*micros*/) override {}
};

class RecordingEnv final : public rocksdb::EnvWrapper {
 public:
  explicit RecordingEnv(std::unique_ptr<rocksdb::Env> env) : EnvWrapper(std::move(env)) {
    file_system_ = target()->GetFileSystem();
    system_clock_ = std::make_shared<SleeplessClock>();
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewRecordingEnv(StepLog& log) {
  return std::make_unique<RecordingEnv>(rocksdb::NewCompositeEnv(std::make_shared<RecordingFileSystem>(log)));
}

}  // namespace veneer::test
