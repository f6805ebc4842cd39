#include "tools/mount_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fs/base/cancel.h"
#include "fs/fuse/guardian.h"
#include "fs/fuse/locked_program.h"
#include "tools/daemon.h"
#include "tools/log_sink.h"
#include "tools/no_memory.h"
#include "tools/pending.h"
#include "tools/service_manager.h"

namespace veneer::tools {
namespace {

// In a process of its own: the supervisor forks, and a process that wrote to the catalog must not any more.
void TakePendingApart(const fuse::MountOptions& options, const catalog::Medium& medium) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    static_cast<void>(Guarded([&]() -> Status {
      TakePending(options, medium, OpenLog(false));
      return {};
    }));
    std::fflush(nullptr);
    ::_exit(0);
  }
  if (child < 0) return;  // the mount goes on with what is current
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
}

auto MountOf(const fuse::MountOptions& options) {
  return [&options](fuse::Keeper& keeper, fuse::Log log) {
    return fuse::Supervisor::Start(options, std::move(log), &keeper);
  };
}

// Where the service manager would have to look for the program on the mount that the program serves.
void WarnOfOwnProgram(const std::string& target, const fuse::Log& log) {
  const std::string file = fuse::MappedBelow(target);
  if (file.empty()) return;
  log({fuse::kProblem,
       fmt::format(
           "{}: {} will lie below this mount: where guardian and server die together, no other can be "
           "started; run the service from a copy elsewhere",
           target, file),
       {{"mount", target}}});
}

Status ServeInForeground(const fuse::MountOptions& options, const catalog::Medium& medium) {
  const auto manager = ServiceManager::Find();
  const fuse::Log log = OpenLog(false);
  const Course course{MountOf(options), {}};
  auto kept = manager ? manager->TakeKept() : fuse::Guardian::Kept();
  // One that was detached is left to the server that its users have: here it would not be seen.
  const bool resumes = fuse::Supervisor::CanResume(kept) && fuse::Supervisor::IsMounted(kept);
  if (!resumes) {
    if (manager) manager->DropKept();
    TakePendingApart(options, medium);
    if (manager) WarnOfOwnProgram(options.target, log);
  }
  fuse::Guardian guardian(ResumeOf(course, log), manager.get());
  VENEER_TRY(resumes ? guardian.Start(ResumeOf(course, log), std::move(kept))
                     : guardian.Start(BeginOf(course, log)));
  if (manager) manager->Ready();
  guardian.Guard();
  return {};
}

}  // namespace

Result<std::string> AbsolutePath(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return FailErrno(errno, path);
  return std::string(resolved);
}

Result<std::string> MountPoint(const std::string& path) {
  auto resolved = AbsolutePath(path);
  if (resolved || ::access(path.c_str(), F_OK) == 0 || errno != ENOTCONN) return resolved;
  const std::filesystem::path plain = std::filesystem::absolute(path).lexically_normal();
  const std::filesystem::path place = plain.has_filename() ? plain : plain.parent_path();
  VENEER_ASSIGN(const std::string folder, AbsolutePath(place.parent_path()));
  return (std::filesystem::path(folder) / place.filename()).string();
}

Status MountAndServe(fuse::MountOptions options, const catalog::Medium& medium, bool foreground) {
  // The daemon works in /. What is not there is for the store to complain of.
  for (std::string* path : {&options.store, &options.trust}) {
    if (auto absolute = AbsolutePath(*path)) *path = std::move(*absolute);
  }
  if (foreground) return ServeInForeground(options, medium);
  TakePendingApart(options, medium);
  Course course{MountOf(options), {}};
  VENEER_ASSIGN(const pid_t server, Daemonize(course, SIGTERM));
  Status stopped = CheckCancel();
  if (!stopped) End(server);
  return stopped;
}

// One whose supervisor dies before it says that it serves, and after the former one may have let go, is
// followed by one that makes certain of that.
Status TakeOverAndServe(fuse::ControlChannel former, const UniqueFd& lock) {
  const Needs needs{former.socket(), lock.get()};
  Course course{[&](fuse::Keeper& keeper, fuse::Log log) {
                  return fuse::Supervisor::TakeOver(std::move(former), std::move(log), &keeper);
                },
                [&] {
                  static_cast<void>(former.Ask({{"request", "let-go"}}));
                }};
  // To one that has the mount already, SIGHUP is nothing: a stop that comes late must not unmount it.
  VENEER_TRY(Daemonize(course, SIGHUP, needs));
  return {};
}

}  // namespace veneer::tools
