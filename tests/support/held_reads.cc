#include "tests/support/held_reads.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "tests/support/until.h"

namespace veneer::test {

HeldReads::HeldReads(const std::string& path)
    : group_(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC)) {
  REQUIRE(group_);
  REQUIRE(::fanotify_mark(group_.get(), FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD,
                          path.c_str()) == 0);
}

void HeldReads::WaitForOne() const {
  UntilReadable("somebody to read what is held", group_.get());
  fanotify_event_metadata event{};
  REQUIRE(::read(group_.get(), &event, sizeof event) == sizeof event);
  const UniqueFd file(event.fd);
  REQUIRE(::fanotify_mark(group_.get(), FAN_MARK_FLUSH, 0, AT_FDCWD, nullptr) == 0);
}

}  // namespace veneer::test
