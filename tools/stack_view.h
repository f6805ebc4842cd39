// A stack of the store, opened for looking at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/core/view.h"
#include "tools/command.h"

namespace veneer::tools {

// A store opened for reading, as it is at this moment.
struct StoreReading {
  catalog::Store store;
  std::unique_ptr<catalog::Catalog> catalog;
  std::shared_ptr<const crypto::TrustStore> trust;
};

// The errors of Store.
Result<StoreReading> OpenForReading(const Globals& globals);

struct StackView {
  std::vector<std::shared_ptr<const layer::Layer>> layers;  // base first
  std::shared_ptr<const core::View> view;
};

// The layers `ids` (base first), each verified against its signature, and what they show together, as
// `generation`. As Store::OpenStack and View::Build.
Result<StackView> OpenStackView(const StoreReading& reading, const std::vector<std::string>& ids,
                                uint64_t generation);

// Likewise, a stack that is to become current: refused with kConflict where two patches of it are in each
// other's way.
Result<StackView> OpenSoundStack(const StoreReading& reading, const std::vector<std::string>& ids,
                                 uint64_t generation);

// The record of generation `number`, or of the current one if that is 0. kNotFound, with the mending command,
// also where one of its layers is not installed any more.
Result<catalog::GenerationRecord> FindGeneration(const catalog::Catalog& catalog, uint64_t number);

// What a person calls an inode: "file", "folder", "symlink", "whiteout", "fifo", "socket", "device".
const char* KindOf(const erofs::Inode& inode);

}  // namespace veneer::tools
