// What is in a folder.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"

namespace veneer::io {

// The names in the folder `path`, sorted, without "." and "..". All of them or an error: one that cannot be
// read to its end may hold what its reader must not miss. kNotFound if there is none; kCorrupt if it is not a
// folder; kIo.
Result<std::vector<std::string>> ListFolder(const std::string& path);

}  // namespace veneer::io
