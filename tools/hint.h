// The commands that messages name, "run: veneer VERB ...", made to mean the store that the user meant.
//
// What writes such a message, deep in the library, knows of no command line. So it names the verb alone, and
// the option is put in here, at the edge.
#pragma once

#include <string>
#include <string_view>

namespace veneer::tools {

// `message` with --store in each such command, unless `store` is empty, for none, or what the program takes
// without the option: VENEER_STORE, or else the default.
std::string NameStore(std::string_view message, const std::string& store);

}  // namespace veneer::tools
