// Words on the command line that make no sense, told on one line.
#pragma once

#include "fs/base/error.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace veneer::tools {

// kUsage for what CLI11 found wrong with the words of `verb`, or with those of `program` itself (null). Ends
// with the help command that shows the right ones.
Error UsageError(const CLI::App& program, const CLI::App* verb, const CLI::ParseError& error);

}  // namespace veneer::tools
