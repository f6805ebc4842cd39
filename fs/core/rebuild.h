// Making a lost or damaged catalog anew from the signed layers of a store (design §6).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/records.h"
#include "fs/catalog/store.h"
#include "fs/format/withdrawal.h"

namespace veneer::core {

struct RebuildResult {
  std::vector<catalog::LayerRecord> layers;  // taken up, by slot
  std::vector<std::string> withdrawn;        // ids of the layers that are marked so now
  std::vector<Error> passed_over;            // files that are no layer or withdrawal to be trusted, and why
  std::optional<catalog::GenerationRecord> generation;  // made current; none where no base was found
  bool stack_kept =
      false;  // the old catalog still said which stack was current; otherwise it is the newest of everything
  bool stack_may_be_older = false;  // kept as a damaged log still told it: a change behind the damage is lost
  std::string old_catalog;          // where the old one was moved to; empty if there was none
};

// Verifies the signature of every layer and withdrawal, writes a new catalog beside the old, and puts it in
// its place. Nothing that the old one says is trusted: the stack that it calls current is kept only if every
// layer of it is there and signed. Where a log of its is damaged inside, what stands before the damage
// counts. Its marks (sequences, floors, withdrawals, the latest time) are kept where they can be read, since
// a mark can only refuse; what the layers and withdrawals at hand say counts beside them. History is lost.
// Layers get new slots, so no mount of the store may be live: that is for the caller to see to. Waits for a
// writer of the old catalog, and for another rebuild; `on_wait` is called once when waiting begins. kBusy if
// that takes too long; kIo, kNoSpace. Whatever happens meanwhile, the old catalog is in its place or the new
// one (where the file system can exchange two names; otherwise none for an instant).
Result<RebuildResult> RebuildCatalog(const catalog::Store& store, int64_t now, const std::string& by,
                                     const std::function<void()>& on_wait = {});

}  // namespace veneer::core
