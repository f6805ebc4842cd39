// The steps by which a store changes on its file system, as one narrow interface.
//
// Whatever a store keeps outside its catalog is changed through it, so that a test may record the steps, make
// one fail, or cut the power after any of them. docs/durability.md has the order in which they are taken.
#pragma once

#include <cstdint>
#include <string>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::io {

// Safe from several threads. Each function: kNoSpace, kIo, and what it says beside them.
class Disk {
 public:
  virtual ~Disk() = default;

  // Makes a new file, open for reading and writing, and puts its name into `path`, which ends in XXXXXX.
  // kNotFound if the folder is not there.
  virtual Result<UniqueFd> CreateTemporary(std::string& path, unsigned mode) = 0;
  // Write and Copy: as WriteAll and CopyRange of file_ops.h.
  virtual Status Write(int fd, ByteSpan bytes, const std::string& name) = 0;
  // Writes all of `bytes` at `offset`, in place of what the file has there.
  virtual Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) = 0;
  virtual Status Copy(int from, uint64_t offset, uint64_t length, int to, const std::string& name) = 0;
  // Makes the content of the file survive a power cut, though not yet its name. `name` is for the message.
  virtual Status Sync(int fd, const std::string& name) = 0;

  // Makes the folder `path`. kExists, kNotFound.
  virtual Status MakeFolder(const std::string& path) = 0;
  // Gives the file or folder `from` the name `to`, in place of a file that has it. kNotFound.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Each of two files or folders gets the other's name, in one instant. kNotFound; kUnsupported where the
  // file system cannot do that.
  virtual Status Exchange(const std::string& one, const std::string& other) = 0;
  // Removes the file `path`. kNotFound.
  virtual Status Remove(const std::string& path) = 0;
  // Removes `path`, a file or a folder with all that it holds; a cut may leave any part of it. Nothing to do
  // where it is not there.
  virtual Status RemoveTree(const std::string& path) = 0;
  // Makes what was created, renamed or removed in folder `path` survive a power cut.
  virtual Status SyncFolder(const std::string& path) = 0;
};

// The system's.
Disk& SystemDisk();

}  // namespace veneer::io
