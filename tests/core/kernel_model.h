// A model of the kernel's caches of a mount, with the kernel's rules: what FUSE does with entries,
// attributes, listings and their timeouts, and which of its locks it holds meanwhile.
//
//   look-up       holds its folder's lock, shared, from the question to the keeping of the answer
//   revalidation  of an entry whose time is over: asks again, with no lock of the folder's
//   attributes    are asked for with no lock; an answer is dropped if they were forgotten or renewed
//   meanwhile listing       one piece at a time, with the folder's lock shared; kept once it is whole and
//   nothing was
//                 forgotten since it began
//   forgetting    an entry or a barrier holds the folder's lock exclusively; attributes and listings need
//   none
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "fs/core/live_tree.h"

namespace veneer::core::testing {

// A lock as fair as the kernel's: who wants it alone is not overtaken by ever more who share it.
class FolderLock {
 public:
  void lock() {
    const std::lock_guard turn(turn_);
    lock_.lock();
  }
  void unlock() { lock_.unlock(); }
  void lock_shared() {
    const std::lock_guard turn(turn_);
    lock_.lock_shared();
  }
  void unlock_shared() { lock_.unlock_shared(); }

 private:
  std::mutex turn_;
  std::shared_mutex lock_;
};

class KernelModel final : public KernelCache {
 public:
  void Attach(LiveTree& tree) { tree_ = &tree; }

  // The child's id, 0 if there is none.
  NodeId Lookup(NodeId folder, const std::string& name);

  // The slot that a folder's attributes come from; 0 if it cannot be read.
  uint16_t Attributes(NodeId folder);

  // The names in a folder, asked for `piece` at a time, or as they are kept. Empty if it cannot be read.
  std::vector<std::string> List(NodeId folder, size_t piece);

  Status ForgetEntry(NodeId folder, std::string_view name) override;
  Status Barrier(NodeId folder) override;
  Status ForgetAttributes(NodeId folder) override;
  Status ForgetFolder(NodeId folder) override;

  // How often the tree was asked.
  uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    NodeId child = 0;
    bool kept = false;  // its time is without limit; otherwise it is over at once
    uint64_t made = 0;  // tells entries apart that have had one name
  };
  struct Folder {
    FolderLock lock;   // the kernel's i_rwsem
    std::mutex mutex;  // guards what follows; a leaf
    std::map<std::string, Entry> entries;
    uint16_t attributes = 0;
    bool attributes_kept = false;
    uint64_t attributes_version = 0;
    std::vector<std::string> listing;
    bool listing_kept = false;
    uint64_t listing_version = 0;
  };

  Folder& FolderOf(NodeId folder);
  Entry Ask(NodeId folder, const std::string& name);
  Result<std::pair<std::vector<std::string>, Cookie>> AskForNames(NodeId folder, Cookie cookie, size_t piece);

  LiveTree* tree_ = nullptr;
  std::atomic<uint64_t> asked_{0};
  std::mutex folders_mutex_;
  std::map<NodeId, std::unique_ptr<Folder>> folders_;  // guarded by folders_mutex_
};

}  // namespace veneer::core::testing
