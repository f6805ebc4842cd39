#include "tools/command_line.h"
#include "tools/interrupt.h"
#include "tools/no_memory.h"

int main(int argc, char** argv) {
  veneer::tools::PrepareForNoMemory("veneer");
  veneer::tools::CatchInterrupts();
  return veneer::tools::RunCommandLine(argc, argv);
}
