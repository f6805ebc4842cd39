// Locks without RocksDB: its own on a catalog, and one on a whole store.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::catalog {

// kBusy: what whoever waited too long for a lock on `path` is told.
tl::unexpected<Error> StillLocked(const std::string& path);

// The file LOCK of a catalog, open.
class CatalogLock {
 public:
  // That of the catalog that is in the folder `path` now. kNotFound if there is none, kDamaged if it has no
  // file of that name, both with the mending command in the message; kIo.
  static Result<CatalogLock> Open(const std::string& path);

  // Whether it has the lock now. Not where somebody else has it; nor where `repair-catalog` has put another
  // catalog into the place of the one that this is the lock of: the new one has a lock of its own. kIo.
  Result<bool> Try() const;

  UniqueFd Take() && { return std::move(fd_); }

 private:
  CatalogLock(std::string file, UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}

  std::string file_;
  UniqueFd fd_;
};

// Keeps everybody from changing the catalog in the folder `path` for as long as the descriptor is open. For a
// process that has to fork, where opening the catalog itself would start threads, and for what needs no
// catalog to write to, as that takes room. A child that has the descriptor has the lock too, until the last
// of them closes it; none of them may open the catalog for writing meanwhile. Waits as
// Catalog::OpenForWriting does. kBusy, kNotFound, kDamaged, kIo; kInterrupted if a stop is asked for.
Result<UniqueFd> HoldCatalog(const std::string& path, std::chrono::milliseconds wait,
                             const std::function<void()>& on_wait = {});

// Keeps everybody else who asks for this from the store in the folder `path`: whoever makes its catalog
// anew, which may not even be there to be locked. Waits and fails likewise.
Result<UniqueFd> HoldStore(const std::string& path, std::chrono::milliseconds wait,
                           const std::function<void()>& on_wait = {});

}  // namespace veneer::catalog
