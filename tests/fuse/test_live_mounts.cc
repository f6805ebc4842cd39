#include "fs/fuse/live_mounts.h"

#include <filesystem>
#include <thread>

#include "fs/fuse/control_server.h"
#include "fs/fuse/socket_address.h"
#include "tests/support/catch.h"
#include "tests/support/scoped_cancel.h"

namespace veneer::fuse {
namespace {

const std::string kIdentity = fmt::format("test-live-mounts-{}", ::getpid());

// Says of a mount that it is its server, as the first who asks hears.
class Claimant {
 public:
  // `ends`: it closes the line when it has answered.
  Claimant(int pid, dev_t device, bool ends)
      : path_(fmt::format("{}/{}.sock", ControlFolder(kIdentity), pid)) {
    std::filesystem::create_directories(ControlFolder(kIdentity));
    const auto address = SocketAddress(path_);
    REQUIRE_OK(address);
    listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    thread_ = std::thread([=, this] {  // no assertion here
      line_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      static_cast<void>(ReceiveMessage(line_.get()));
      static_cast<void>(SendMessage(line_.get(), {{"device", device}, {"supervisor_pid", pid}}));
      if (ends) line_.reset();
    });
  }
  ~Claimant() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // for one that nobody asked
    thread_.join();
    RemoveControlSocket(path_);
  }
  Claimant(const Claimant&) = delete;
  Claimant& operator=(const Claimant&) = delete;

 private:
  std::string path_;
  UniqueFd listener_, line_;
  std::thread thread_;
};

std::vector<int> Processes(const FoundMounts& found) {
  std::vector<int> pids;
  for (const LiveMount& mount : found.live) pids.push_back(mount.status.at("supervisor_pid"));
  return pids;
}

TEST_CASE("of two servers of one mount the one that does not end has it") {
  const int former = GENERATE(1, 2);
  const Claimant one(1, 7, former == 1);
  const Claimant two(2, 7, former == 2);
  const Claimant other(3, 8, false);
  const auto found = FindMounts(kIdentity, std::chrono::seconds(60));
  REQUIRE_OK(found);
  REQUIRE_OK(found->AllAnswer());
  CHECK(Processes(*found) == std::vector{3 - former, 3});
}

TEST_CASE("of two servers of one mount, neither of which ends, neither is taken for the one that has it") {
  const Claimant one(1, 7, false);
  const Claimant two(2, 7, false);
  const Claimant other(3, 8, false);
  const auto found = FindMounts(kIdentity, std::chrono::milliseconds(100));
  REQUIRE_OK(found);
  CHECK(Processes(*found) == std::vector{3});
  REQUIRE(found->silent.size() == 1);
  CHECK(found->silent.front().code() == ErrorCode::kIo);
  CHECK(found->silent.front().message() ==
        "processes 1 and 2, servers of a mount: both say that it is theirs");
}

TEST_CASE("who waits for one of two servers to end stops when it is asked to") {
  const Claimant one(1, 7, false);
  const Claimant two(2, 7, false);
  const test::ScopedCancel cancel;
  REQUIRE_FAILS(ErrorCode::kInterrupted, FindMounts(kIdentity, std::chrono::seconds(60)));
}

}  // namespace
}  // namespace veneer::fuse
