// Events of live mounts on their way into the catalog. See docs/adr/0005-events-through-a-spool.md.
//
//   STORE/events.spool  lines of JSON, each an event as in docs/format/catalog.md, oldest first
//   STORE/events.taken  likewise: a former spool that is being taken in
//
// Nothing here is trusted more than the catalog is: a line that is no event is passed over.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"

namespace veneer::catalog {

// Any number of processes may use the spool of one store at once.
class EventSpool {
 public:
  // The spool gets no longer than this, in bytes.
  static constexpr uint64_t kMostBytes = 256 << 10;

  // `folder`: the store's. Touches nothing.
  explicit EventSpool(const std::string& folder)
      : spool_(folder + "/events.spool"), taken_(folder + "/events.taken") {}

  // Adds `event`, but for its number. Waits for nobody, and not for the disk. It survives a kill of any
  // process from then on, though not a power cut in the next seconds. kUsage for an event that the format
  // does not allow; kNoSpace also where the spool is full; kBusy; kIo, e.g. where the store is read-only.
  Status Add(const Event& event) const;

  // What waits to be taken in, oldest first, without numbers. kIo.
  Result<std::vector<Event>> Read() const;

  // Moves all of it into `catalog`, which is open for writing. After a crash at any point each event is in
  // the catalog once or still waits. kBusy where a process keeps adding; the errors of Catalog.
  Status TakeIn(Catalog& catalog) const;

 private:
  std::string spool_;
  std::string taken_;
};

// Takes away from `events`, whose numbers do not count, those that are among the newest of `catalog`.
Status DropKnown(const Catalog& catalog, std::vector<Event>& events);

}  // namespace veneer::catalog
