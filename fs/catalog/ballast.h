// Room that a store keeps for the changes that make room, or that cannot wait for it: STORE/ballast, a file
// that nobody reads. RocksDB writes some files before it opens a catalog for writing, so that on a full disk
// not even what is to be removed could be taken off the record.
#pragma once

#include "fs/catalog/store.h"

namespace veneer::catalog {

inline constexpr const char* kBallast = "ballast";

// In bytes: some times what a change of the catalog takes, a log of a few thousand events included.
inline constexpr uint64_t kBallastSize = 1 << 20;

// Removes it where less than its size is free beside it. What fails here the change will say.
void GiveUpBallast(const Store& store);

// Puts it there if it is not, and so much is free that nobody will miss it. For who holds the catalog open
// for writing. If it cannot be done, a later change will.
void KeepBallast(const Store& store);

}  // namespace veneer::catalog
