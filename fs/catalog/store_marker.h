// STORE/veneer-store.json, which makes a folder a store. See docs/store.md.
#pragma once

#include <string>

#include "fs/base/error.h"

namespace veneer::catalog {

inline constexpr const char* kStoreMarker = "veneer-store.json";
inline constexpr int kStoreSchema = 1;

// Makes the folder `store` a store, whole or not at all. kIo, kNoSpace.
Status WriteStoreMarker(const std::string& store);

// Whether the folder `store` is a store of this program's. kNotFound if it has no marker, with the mending
// command; kUnsupported for a newer schema; kDamaged for a marker that cannot be read as one; kIo.
Status CheckStoreMarker(const std::string& store);

}  // namespace veneer::catalog
