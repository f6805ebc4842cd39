#include "tests/mount/kept_mount.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/until.h"

namespace veneer::test {
namespace {

// What a supervisor says on its line once it serves.
constexpr const char* kReady = "ready";

// In the supervisor: hands everything on to the process that started it.
class KeepElsewhere final : public fuse::Keeper {
 public:
  explicit KeepElsewhere(int line) : line_(line) {}

  void Keep(const std::string& name, int fd) override { Tell({{"keep", name}}, {&fd, 1}); }
  void Drop(const std::string& name) override { Tell({{"drop", name}}); }
  std::string ReplaceCommand() const override { return "false"; }

  void Tell(const nlohmann::json& word, std::span<const int> descriptors = {}) const {
    if (!fuse::SendMessage(line_, word, descriptors)) ::_exit(1);
  }

 private:
  int line_;
};

}  // namespace

KeptMount::KeptMount(std::string store, std::string target)
    : store_(std::move(store)), target_(std::move(target)) {
  Serve([&](fuse::Keeper& keeper) {
    fuse::MountOptions options;
    options.store = store_;
    options.target = target_;
    return fuse::Supervisor::Start(
        std::move(options), [](const fuse::Happening&) {}, &keeper);
  });
}

KeptMount::~KeptMount() {
  Kill();
  ::umount2(target_.c_str(), MNT_DETACH);
}

void KeptMount::KillAndResume() {
  Kill();
  Names();  // what it said last
  Serve([&](fuse::Keeper& keeper) {
    return fuse::Supervisor::Resume(std::move(kept_), keeper, [](const fuse::Happening&) {});
  });
}

void KeptMount::Kill() {
  ::kill(supervisor_, SIGKILL);
  ::waitpid(supervisor_, nullptr, 0);
}

// `begin` is called in the child, which has its own copy of what is kept.
template <typename Begin>
void KeptMount::Serve(Begin begin) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  line_.reset(ends[0]);
  UniqueFd theirs(ends[1]);
  supervisor_ = ::fork();
  REQUIRE(supervisor_ >= 0);
  if (supervisor_ == 0) {
    line_.reset();
    KeepElsewhere keeper(theirs.get());
    auto supervisor = begin(keeper);
    if (!supervisor) ::_exit(1);
    keeper.Tell({{kReady, true}});
    (*supervisor)->Run();
    ::_exit(0);
  }
  theirs.reset();
  for (bool ready = false; !ready;) {
    UntilReadable("a supervisor", line_.get());
    auto said = fuse::ReceiveMessage(line_.get());
    REQUIRE_OK(said);
    REQUIRE(said->has_value());
    ready = (*said)->json.contains(kReady);
    Note(*std::move(*said));
  }
}

void KeptMount::Note(fuse::Message said) {
  if (const auto name = said.json.find("keep"); name != said.json.end())
    kept_[*name] = std::move(said.descriptors.at(0));
  if (const auto name = said.json.find("drop"); name != said.json.end())
    kept_.erase(name->get<std::string>());
}

// A supervisor says what is to be kept before it does what the next one would need it for.
std::set<std::string> KeptMount::Names() {
  pollfd watched{line_.get(), POLLIN, 0};
  while (::poll(&watched, 1, 0) == 1) {
    auto said = fuse::ReceiveMessage(line_.get());
    REQUIRE_OK(said);
    if (!*said) break;  // it has ended
    Note(*std::move(*said));
  }
  std::set<std::string> names;
  for (const auto& [name, fd] : kept_) names.insert(name);
  return names;
}

}  // namespace veneer::test
