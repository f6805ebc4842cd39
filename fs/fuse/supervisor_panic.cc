// Crashing the kernel where a worker has read what does not match its signed hash, as dm-verity's
// panic_on_corruption does. What crashes it obeys whoever has it open in much else, so a worker only asks.
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "fs/fuse/supervisor.h"
#include "fs/io/file_ops.h"

namespace veneer::fuse {

Status Supervisor::PreparePanic() {
  if (!options_.panic_on_corruption) return {};
  panic_trigger_.reset(::open(options_.panic_trigger.c_str(), O_WRONLY | O_CLOEXEC));
  if (!panic_trigger_)
    return FailErrno(errno, fmt::format("{}: --on-corruption=panic", options_.panic_trigger));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno(errno, "sockets to ask for a panic");
  panic_line_.reset(ends[0]);
  workers_panic_line_.reset(ends[1]);
  return {};
}

// The worker that asks answers nobody before it hears that there will be none.
void Supervisor::PanicIfAsked() {
  char asked = 0;
  if (!panic_line_ || ::recv(panic_line_.get(), &asked, 1, MSG_DONTWAIT) != 1) return;
  Say(kProblem, "a block does not match its signed hash: stopping the machine (--on-corruption=panic)");
  const Status stopped = io::WriteAll(panic_trigger_.get(), AsBytes("c"), options_.panic_trigger);
  if (stopped) return;
  Say(kProblem, stopped.error().message());
  ::send(panic_line_.get(), &asked, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace veneer::fuse
