// What the raw side of /dev/fuse relies on, asked of the kernel itself.
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "fs/fuse/device.h"
#include "fs/fuse/mount_table.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"
#include "tests/support/until.h"

namespace veneer::fuse {
namespace {

// A mount that this test serves by hand.
class RawMount {
 public:
  RawMount() {
    auto device = MountFuse("test", scratch_.path(), 0);
    REQUIRE_OK(device);
    device_ = std::move(*device);
    const auto init = ReadInit(device_.get());
    REQUIRE_OK(init);
    fuse_init_out agreed{};
    agreed.major = FUSE_KERNEL_VERSION;
    agreed.minor = FUSE_KERNEL_MINOR_VERSION;
    agreed.max_write = kMostWritten;
    agreed.max_background = 12;
    Send(HeaderIn(*init).unique, &agreed, sizeof agreed);
  }
  ~RawMount() { ::umount2(scratch_.path().c_str(), MNT_DETACH); }
  RawMount(const RawMount&) = delete;
  RawMount& operator=(const RawMount&) = delete;

  int device() const { return device_.get(); }
  std::string path() const { return scratch_.path(); }

  // The number of the next request that wants an answer.
  uint64_t Receive() const {
    test::UntilReadable("a request", device());
    Bytes request(kRequestSize);
    const auto is_there = ReadRequest(device(), std::as_writable_bytes(std::span(request)));
    REQUIRE_OK(is_there);
    REQUIRE(*is_there);
    return HeaderIn(request).unique;
  }
  void Refuse(uint64_t unique) const { Send(unique, nullptr, 0, -EIO); }

 private:
  static fuse_in_header HeaderIn(const Bytes& request) {
    fuse_in_header header{};
    std::memcpy(&header, request.data(), sizeof header);
    return header;
  }
  void Send(uint64_t unique, const void* body, size_t size, int error = 0) const {
    Bytes answer(sizeof(fuse_out_header) + size);
    const fuse_out_header header{static_cast<uint32_t>(answer.size()), error, unique};
    std::memcpy(answer.data(), &header, sizeof header);
    if (size != 0) std::memcpy(answer.data() + sizeof header, body, size);
    REQUIRE(::write(device(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
  }

  test::Scratch scratch_;
  UniqueFd device_;
};

TEST_CASE("whether the kernel waits for an answer can be asked, and asking changes nothing") {
  const RawMount mount;
  int error = 0;
  std::thread asker([&] {
    struct stat st {};
    error = ::stat(mount.path().c_str(), &st) == 0 ? 0 : errno;
  });
  const uint64_t first = mount.Receive();
  CHECK(IsUnanswered(mount.device(), first));
  CHECK(IsUnanswered(mount.device(), first));
  CHECK_FALSE(IsUnanswered(mount.device(), first + 2));
  // It has another number then.
  REQUIRE_OK(ResendRequests(mount.device()));
  CHECK_FALSE(IsUnanswered(mount.device(), first));
  const uint64_t second = mount.Receive();
  CHECK(second != first);
  CHECK(IsUnanswered(mount.device(), second));
  mount.Refuse(second);
  asker.join();
  CHECK(error == EIO);
  CHECK_FALSE(IsUnanswered(mount.device(), second));
}

}  // namespace
}  // namespace veneer::fuse
