// The names under which a store's catalogs lie while a new one takes the place of the old.
//
//   catalog           the one that counts
//   catalog.new       one that is being made, or the old one for an instant
//   catalog.was       the old one on its way, where two names cannot be exchanged
//   catalog.old-TIME  one that was replaced
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fs/base/error.h"
#include "fs/catalog/store.h"

namespace veneer::core {

// Whether a file or folder of this name in the folder of a store that has a catalog is one of the other
// three.
bool IsFormerCatalog(const std::string& name);

// Makes good what a replacement that was cut short has left: the old catalog gets its name back where no
// other has it yet, and what is of no use goes. For who holds the store (catalog_lock.h). kIo, kNoSpace.
Status SettleCatalogs(const catalog::Store& store);

// The path of the catalog that was replaced last, as the names tell; nothing if there is none. kIo.
Result<std::optional<std::string>> NewestFormerCatalog(const catalog::Store& store);

// Puts the new catalog, made at store.new_catalog_path(), in the old one's place. Returns where that is now;
// empty if there was none. Cut at any step, the old one is in its place or the new one, or SettleCatalogs
// brings that about. kIo, kNoSpace: likewise.
Result<std::string> ReplaceCatalog(const catalog::Store& store, int64_t now);

}  // namespace veneer::core
