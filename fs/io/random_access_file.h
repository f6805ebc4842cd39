// Reading a file at offsets: the narrow interface through which layer files are seen, and its two forms.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::io {

// A file that is read and never changed through this object. All methods are safe from several threads at
// once.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;

  // Size in bytes when the file was opened. What is read later may still be shorter: see ReadExact.
  virtual uint64_t size() const = 0;

  // What to call the file in a message: its path as it was opened.
  virtual const std::string& name() const = 0;

  // Fills all of `out` from byte `offset`. kCorrupt if the file ends before that, kIo if the device fails;
  // `out` then holds nothing of use.
  virtual Status ReadExact(uint64_t offset, MutableByteSpan out) const = 0;
};

// A file of the system's, read with pread(2).
class PosixFile final : public RandomAccessFile {
 public:
  // Opens `path` for reading, without following a symlink in its last component and without blocking on a
  // FIFO. kNotFound if there is none, kCorrupt if it is not a regular file, kIo otherwise.
  static Result<std::unique_ptr<PosixFile>> Open(const std::string& path);

  // Takes over the open descriptor `fd`; `name` is for messages. Errors as Open.
  static Result<std::unique_ptr<PosixFile>> FromFd(UniqueFd fd, std::string name);

  // Likewise for one of which another process found out that it is a regular file of `size` bytes. Asks the
  // system nothing.
  static std::unique_ptr<PosixFile> FromKnownFd(UniqueFd fd, std::string name, uint64_t size) {
    return std::unique_ptr<PosixFile>(new PosixFile(std::move(fd), std::move(name), size));
  }

  uint64_t size() const override { return size_; }
  const std::string& name() const override { return name_; }
  Status ReadExact(uint64_t offset, MutableByteSpan out) const override;

  // Has the kernel forget what it cached of the file, so that what is read from now on comes from the device,
  // or was read from there since. Pages that are not written yet stay, as do those that somebody has mapped;
  // on a file system without a device (tmpfs) nothing is forgotten.
  void DropCached() const;

  int fd() const { return fd_.get(); }

 private:
  PosixFile(UniqueFd fd, std::string name, uint64_t size)
      : fd_(std::move(fd)), name_(std::move(name)), size_(size) {}

  UniqueFd fd_;
  std::string name_;
  uint64_t size_;
};

// Bytes in memory, for tests and for small parts already read.
class MemoryFile final : public RandomAccessFile {
 public:
  explicit MemoryFile(Bytes bytes, std::string name = "memory")
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  uint64_t size() const override { return bytes_.size(); }
  const std::string& name() const override { return name_; }
  Status ReadExact(uint64_t offset, MutableByteSpan out) const override;

  // The bytes, for a test that damages them. Not safe beside a reader.
  Bytes& bytes() { return bytes_; }

 private:
  Bytes bytes_;
  std::string name_;
};

}  // namespace veneer::io
