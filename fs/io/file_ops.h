// Changing files so that a crash leaves the old content or the new: whole files, temporary files, folders.
#pragma once

#include <cstdint>
#include <string>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/io/disk.h"

namespace veneer::io {

// Opens the regular file `path` with `flags` of open(2), and `mode` where they make it. Follows no symlink in
// its last component, and waits for nobody, whatever is there. kNotFound if there is none; kCorrupt if it is
// not a regular file; kIo otherwise.
Result<UniqueFd> OpenRegular(const std::string& path, int flags, unsigned mode = 0);

// All of the regular file `path`, which must not be one of /proc or /sys: those have no size. kNotFound if
// there is none; kCorrupt if it is not a regular file or is longer than `limit` bytes; kIo otherwise.
Result<Bytes> ReadWholeFile(const std::string& path, uint64_t limit);

// Writes all of `bytes` to `fd` at its position. kNoSpace, kIo; `name` is for the message.
Status WriteAll(int fd, ByteSpan bytes, const std::string& name);

// Likewise at `offset`, whatever its position.
Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name);

// The very file that `fd` has open, opened once more, for reading and writing, whatever its path leads to by
// now. `name` is for the message. kIo: e.g. a read-only file system, no permission.
Result<UniqueFd> OpenForWriting(int fd, const std::string& name);

// Copies `length` bytes of `from` at `offset` to the position of `to`, in the kernel where it can. kCorrupt
// if `from` ends early, kNoSpace, kIo; kInterrupted if a stop is asked for. `name` is for the message.
Status CopyRange(int from, uint64_t offset, uint64_t length, int to, const std::string& name);

// Makes what was created, renamed or removed in folder `path` survive a power cut.
Status SyncFolder(const std::string& path);

// Makes the folder `path` and those above it that are missing, with `mode`.
Status MakeFolders(const std::string& path, unsigned mode = 0755);

// A file that appears under its path all at once, or not at all. It is written under a temporary name in the
// same folder; Commit syncs it, if that was not done, renames it over `path` and syncs the folder. Dropped
// without Commit, it is removed.
class AtomicFile {
 public:
  // kNotFound if the folder is not there; kNoSpace, kIo. `disk` outlives the object.
  static Result<AtomicFile> Create(const std::string& path, unsigned mode = 0644, Disk& disk = SystemDisk());

  AtomicFile(AtomicFile&&) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  int fd() const { return fd_.get(); }
  const std::string& temporary_path() const { return temporary_; }

  Status Write(ByteSpan bytes) {
    synced_ = false;
    return disk_->Write(fd_.get(), bytes, path_);
  }
  // As CopyRange, to the end of what was written.
  Status Copy(int from, uint64_t offset, uint64_t length, const std::string& name) {
    synced_ = false;
    return disk_->Copy(from, offset, length, fd_.get(), name);
  }
  // Puts on the disk what was written, for who wants to read it back from there.
  Status Sync();
  Status Commit();

 private:
  AtomicFile(UniqueFd fd, std::string path, std::string temporary, Disk& disk)
      : disk_(&disk), fd_(std::move(fd)), path_(std::move(path)), temporary_(std::move(temporary)) {}

  Disk* disk_;
  UniqueFd fd_;
  std::string path_;
  std::string temporary_;
  bool synced_ = false;
};

// Writes `bytes` to `path` as an AtomicFile.
Status WriteFileAtomically(const std::string& path, ByteSpan bytes, unsigned mode = 0644,
                           Disk& disk = SystemDisk());

// A new empty folder below `parent`, removed with all it holds when the object goes.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> Create(const std::string& parent);

  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace veneer::io
