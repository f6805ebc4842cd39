// SIGINT, SIGTERM and SIGHUP as a request to stop.
#pragma once

namespace veneer::tools {

// From now on each of the three signals calls SetCancelRequested (fs/base/cancel.h) instead of ending the
// process: long work then ends with kInterrupted, temporary files are removed on the way out, and the exit
// status is 130. A signal that was ignored when the program started (nohup, a shell's background job) stays
// ignored. SIGQUIT still ends the process at once.
void CatchInterrupts();

// Likewise, for one signal, and also where it was ignored: for a process whose parent tells it to stop by
// that signal.
void CatchAlways(int signal);

}  // namespace veneer::tools
