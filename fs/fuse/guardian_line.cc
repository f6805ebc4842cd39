#include "fs/fuse/guardian_line.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fs/fuse/message.h"

namespace veneer::fuse {
namespace {

// How long it may take to have room for another message.
constexpr timeval kPatience{1, 0};

}  // namespace

GuardianLine::GuardianLine(UniqueFd line, pid_t guardian, const Keeper* manager)
    : line_(std::move(line)), guardian_(guardian), manager_(manager) {
  ::setsockopt(line_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
}

// One that cannot be told is found gone by who watches the line.
void GuardianLine::Tell(const nlohmann::json& words, std::span<const int> descriptors) const {
  if (line_ && !SendMessage(line_.get(), words, descriptors)) ::shutdown(line_.get(), SHUT_RDWR);
}

// From then on this process outlives the guardian.
Status GuardianLine::Consent() {
  Tell({{kConsent, true}});
  const auto answer = ReceiveMessage(line_.get());
  if (!answer || !*answer || !(*answer)->json.value(kConsent, false))
    return Fail(ErrorCode::kInterrupted, "interrupted");
  ::prctl(PR_SET_PDEATHSIG, 0);
  return {};
}

}  // namespace veneer::fuse
