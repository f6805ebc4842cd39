#include "tools/interrupt.h"

#include <csignal>

#include "fs/base/cancel.h"

namespace veneer::tools {
namespace {

void OnSignal(int) {
  SetCancelRequested(true);
}

void Catch(int signal) {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // libraries below us need not know of EINTR; poll(2) returns all the same
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void CatchInterrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    Catch(signal);
  }
}

void CatchAlways(int signal) {
  Catch(signal);
}

}  // namespace veneer::tools
