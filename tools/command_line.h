// The program from its arguments to its exit status.
#pragma once

namespace veneer::tools {

// Parses `argv`, runs the verb that it names and says what came of it. Returns the exit status. No exception
// leaves it.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace veneer::tools
