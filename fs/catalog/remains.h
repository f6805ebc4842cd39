// What a catalog that is to be made anew still says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/medium.h"
#include "fs/catalog/records.h"

namespace veneer::catalog {

struct Remains {
  State state;
  std::vector<GenerationRecord> generations;  // by number
  std::map<std::string, uint16_t> slots;      // by layer id
  uint64_t next_slot = 1;                     // as far as is known, never given: 1 to 65536
  uint64_t next_generation = 1;               // likewise
  bool current_known = false;                 // state.current is what was written there, if `older` is not
  bool older = false;                         // a log is damaged inside: all this is from before the damage
  std::vector<Error> lost;                    // what could not be read, and why
};

// Reads the families of the catalog in the folder `path` that a new one needs, each by itself and entry by
// entry, so that what one of them has lost costs nothing of the others, and damage of the history nothing at
// all. Damage is told in `lost`. Everything else is an error, since what cannot be read now may be read next
// time: kIo; kUnsupported where a newer program has written it; kBusy, so hold its lock (catalog_lock.h);
// kNotFound if there is none.
Result<Remains> ReadRemains(const std::string& path);

// Lets the new catalog in the folder `path`, which nobody has open, go on from the slot and the number of
// `remains`. kBusy, kNoSpace, kIo.
Status GoOnNumbering(const std::string& path, const Remains& remains, const Medium& medium = {});

}  // namespace veneer::catalog
