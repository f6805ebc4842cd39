// Events of live mounts on their way into the catalog. See docs/adr/0005-events-through-a-spool.md.
//
//   STORE/events.spool  lines of JSON, each an event as in docs/format/catalog.md, oldest first
//   STORE/events.taken  likewise: a former spool that is being taken in
//   STORE/events.bad    what lay at one of these places and could not be read; then events.bad-2, ...
//
// A spool that is longer than its events may be was full, and events found no room in it: the first of them
// had it filled up with ends of lines.
//
// Nothing here is trusted more than the catalog is, and whatever lies there, nobody waits for it and nothing
// is written through it. What was lost is told by an event of the kind "events-lost".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"

namespace veneer::catalog {

// The lines of a spool.
struct SpoolLines {
  std::vector<Event> events;  // in their order, without numbers
  size_t lost = 0;            // lines that are no events; an empty line is none
};

// Reads what a spool holds. Pure, and safe on any bytes. A last line without its end is not counted: somebody
// may be writing it.
SpoolLines ReadSpoolLines(std::string_view text);

// Any number of processes may use the spool of one store at once.
class EventSpool {
 public:
  // Events take no more than this, in bytes. Somewhat more than who adds at the same time as another could
  // go beyond it: the length of a spool that was full.
  static constexpr uint64_t kMostBytes = 256 << 10;
  static constexpr uint64_t kFullBytes = kMostBytes + (64 << 10);

  // `folder`: the store's. Touches nothing.
  explicit EventSpool(const std::string& folder)
      : spool_(folder + "/events.spool"), taken_(folder + "/events.taken"), bad_(folder + "/events.bad") {}

  // Adds `event`, but for its number. Waits for nobody, and not for the disk. It survives a kill of any
  // process from then on, though not a power cut in the next seconds. kUsage for an event that the format
  // does not allow; kNoSpace also where the spool is full; kDamaged where something lies there that is no
  // regular file; kBusy; kIo, e.g. where the store is read-only.
  Status Add(const Event& event) const;

  struct Waiting {
    std::vector<Event> events;       // oldest first, without numbers
    std::vector<Error> passed_over;  // files that cannot be read, and why
  };
  // What waits to be taken in.
  Waiting Read() const;

  // Moves all of it into `catalog`, which is open for writing. What cannot be read is told by an event and
  // set aside. After a crash at any point each event is in the catalog once or still waits. kBusy where a
  // process keeps adding; kIo; the errors of Catalog.
  Status TakeIn(Catalog& catalog) const;

 private:
  std::string spool_;
  std::string taken_;
  std::string bad_;
};

// Takes away from `events`, whose numbers do not count, those that are among the newest of `catalog`.
Status DropKnown(const Catalog& catalog, std::vector<Event>& events);

}  // namespace veneer::catalog
