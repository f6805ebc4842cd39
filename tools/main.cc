#include "tools/command_line.h"
#include "tools/interrupt.h"

int main(int argc, char** argv) {
  veneer::tools::CatchInterrupts();
  return veneer::tools::RunCommandLine(argc, argv);
}
