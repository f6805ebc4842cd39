#include "tests/support/held_reads.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/until.h"

namespace veneer::test {
namespace {

UniqueFd WatchReads(const std::string& path) {
  UniqueFd group(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC));
  REQUIRE(group);
  REQUIRE(::fanotify_mark(group.get(), FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD,
                          path.c_str()) == 0);
  return group;
}

fanotify_event_metadata ReadEvent(int group) {
  fanotify_event_metadata event{};
  REQUIRE(::read(group, &event, sizeof event) == sizeof event);
  return event;
}

}  // namespace

HeldReads::HeldReads(const std::string& path) : group_(WatchReads(path)) {}

void HeldReads::WaitForOne() const {
  UntilReadable("somebody to read what is held", group_.get());
  const UniqueFd file(ReadEvent(group_.get()).fd);
  REQUIRE(::fanotify_mark(group_.get(), FAN_MARK_FLUSH, 0, AT_FDCWD, nullptr) == 0);
}

// Who was killed meanwhile needs no answer.
HeldReader::~HeldReader() {
  if (!file_) return;
  const fanotify_response go_on{file_.get(), FAN_ALLOW};
  if (::write(group_, &go_on, sizeof go_on) < 0 && errno != ENOENT) FAIL_CHECK("nobody can be let go");
}

EachRead::EachRead(const std::string& path) : group_(WatchReads(path)) {}

std::optional<HeldReader> EachRead::Next() const {
  pollfd held{group_.get(), POLLIN, 0};
  if (::poll(&held, 1, 0) != 1) return std::nullopt;
  const fanotify_event_metadata event = ReadEvent(group_.get());
  return HeldReader(group_.get(), UniqueFd(event.fd), event.pid);
}

}  // namespace veneer::test
