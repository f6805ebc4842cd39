// All that a store holds, for telling whether a refusal left it as it was.
#pragma once

#include <map>
#include <string>

namespace veneer::test {

// The SHA-256 of every file below the store `path`, and every entry of every family of its catalog.
//
// Of the folder catalog/ the entries are taken and not the files: RocksDB begins a new log, MANIFEST, OPTIONS
// and CURRENT each time that it is opened for writing, and takes its lock in LOCK, whether or not anything
// is then written. What a reader of the catalog can ever see are its entries, key by key, and those must be
// equal byte for byte. Events that mounts tell, in the catalog or on their way there (events.spool,
// events.taken), are left out.
std::map<std::string, std::string> TakeSnapshot(const std::string& path);

}  // namespace veneer::test
