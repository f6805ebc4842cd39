// Making a lost or damaged catalog anew from the signed layers of a store (design §6).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/records.h"
#include "fs/catalog/store.h"

namespace veneer::core {

struct RebuildResult {
  std::vector<catalog::LayerRecord> layers;  // taken up, by slot
  std::vector<std::string> withdrawn;        // ids of the layers that are marked so now
  std::vector<Error> passed_over;            // files that are no layer or withdrawal to be trusted, and why
  std::optional<catalog::GenerationRecord> generation;  // current now; none where no base was found
  bool stack_kept = false;            // its stack is the one that was; otherwise see former_stack.h
  bool stack_from_old = false;        // it is what is left of that one, and not the newest of everything
  bool stack_may_be_older = false;    // the old catalog may have told one from before its last changes
  std::vector<std::string> left_out;  // patches of the stack that was which this one is without, and why
  std::vector<Error> missing;         // layers of the stack that was which are damaged, not trusted or gone
  catalog::State state;               // the marks as they are now, pending and last good too
  std::vector<uint64_t> generations;  // former ones that are kept, by number
  std::vector<Error> lost;            // what the old catalog said and the new one does not, and why
  std::string old_catalog;            // where the old one was moved to; empty if there was none
};

struct RebuildCalls {
  std::function<void()> on_wait;  // called when waiting for somebody else begins, for each lock
  std::function<Status()>
      may_replace;  // the last word, when all is made and others are kept out; its error ends it
};

// Verifies the signature of every layer and withdrawal, writes a new catalog beside the old, and puts it in
// its place. Nothing that the old one says is trusted: the stack that it calls current is kept as far as its
// layers are there and signed, make a stack, and are not withdrawn (former_stack.h); generations whose layers
// make one, under their numbers. Its marks (sequences, floors, withdrawals, the latest time) are kept as far
// as they can be read, since a mark can only refuse; what the layers and withdrawals at hand say counts
// beside them. Slots and numbers go on from its own, so that none means something else than before. Where
// there is none, the newest that was replaced gives marks and numbers, but no stack. History is lost.
//
// No mount of the store may be live: that is for the caller to see to, who is asked again at the end, since
// one may have begun meanwhile. Waits for a writer of the old catalog, and for another rebuild: kBusy if that
// takes too long. Whatever cannot be read now, as opposed to being damaged, ends it, with the old catalog in
// place: kIo, kFailed, kUnsupported (a newer program's catalog). kNoSpace. Whatever happens meanwhile, the
// old catalog is in its place or the new one (see catalog_places.h for file systems that cannot exchange two
// names).
Result<RebuildResult> RebuildCatalog(const catalog::Store& store, int64_t now, const std::string& by,
                                     const RebuildCalls& calls = {});

}  // namespace veneer::core
