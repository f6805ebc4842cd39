// The system's disk, with each step of a store's own files recorded.
#pragma once

#include "fs/io/disk.h"
#include "tests/crash/step.h"

namespace veneer::test {

class RecordingDisk final : public io::Disk {
 public:
  // `exchanges`: whether it can exchange two names, as not every file system can.
  explicit RecordingDisk(StepLog& log, bool exchanges = true) : log_(log), exchanges_(exchanges) {}

  Result<UniqueFd> CreateTemporary(std::string& path, unsigned mode) override;
  Status Write(int fd, ByteSpan bytes, const std::string& name) override;
  Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) override;
  Status Copy(int from, uint64_t offset, uint64_t length, int to, const std::string& name) override;
  Status Sync(int fd, const std::string& name) override;
  Status MakeFolder(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Exchange(const std::string& one, const std::string& other) override;
  Status Remove(const std::string& path) override;
  Status RemoveTree(const std::string& path) override;  // a step for each file and folder
  Status SyncFolder(const std::string& path) override;

 private:
  // Takes a step that writes `bytes` at `offset`.
  template <typename Act>
  Status Overwrite(int fd, uint64_t offset, ByteSpan bytes, const Act& act);

  // Takes a step that changes names alone.
  template <typename Act>
  Status Change(Step::Kind kind, const std::string& path, const std::string& other, const Act& act);

  StepLog& log_;
  bool exchanges_;
};

}  // namespace veneer::test
