// The signals by which a server is told to stop, or something that is no stop to it.
#pragma once

#include <csignal>

namespace veneer::fuse {

// SIGTERM, SIGINT and SIGHUP, but for those that this process ignores: blocked, they would be heard all the
// same.
inline sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace veneer::fuse
