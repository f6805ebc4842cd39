// What a catalog that is made anew is to hold.
#pragma once

#include <cstdint>
#include <string>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/remains.h"
#include "fs/core/rebuild.h"

namespace veneer::core {

struct RebuildContents {
  catalog::Update update;
  catalog::Remains former;  // from whose numbers it goes on
};

// Finds and judges all of it, and tells in `result` how it came about. Changes nothing. The errors of
// RebuildCatalog that are about reading.
Result<RebuildContents> ComposeCatalog(const catalog::Store& store, const crypto::TrustStore& trust,
                                       int64_t now, const std::string& by, RebuildResult& result);

}  // namespace veneer::core
