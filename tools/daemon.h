// The processes of a mount as a command starts them: a guardian, and the supervisor that it guards.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "fs/base/error.h"
#include "fs/fuse/guardian.h"

namespace veneer::tools {

// How a mount begins, and what is to be done first where its supervisor died before it said that it serves.
struct Course {
  std::function<Result<std::unique_ptr<fuse::Supervisor>>(fuse::Keeper& keeper, fuse::Log log)> begin;
  std::function<void()> before_resume;
};

// What a guardian wants of it; `course` must outlive both.
fuse::Guardian::Begin BeginOf(const Course& course, const fuse::Log& log);
fuse::Guardian::Begin ResumeOf(const Course& course, const fuse::Log& log);

// What a daemon needs of its command's descriptors, -1 for none.
struct Needs {
  int line = -1;  // to the mount's former server
  int lock = -1;  // until it has the mount
};

// Follows `course` in a daemon; returns that, the guardian, once the mount answers, or its error. It is a
// session of its own, so whoever stops this command does not reach it: meanwhile it gets `stop` then, and
// kInterrupted comes within seconds also where it does not listen.
Result<pid_t> Daemonize(Course& course, int stop, const Needs& needs = {});

// Has the child `server` unmount, and waits until that is done; not for ever, for somebody may use the mount
// already.
void End(pid_t server);

}  // namespace veneer::tools
