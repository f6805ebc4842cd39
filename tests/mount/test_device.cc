// What the raw side of /dev/fuse relies on, asked of the kernel itself.
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <future>

#include "fs/fuse/device.h"
#include "fs/fuse/mount_table.h"
#include "fs/fuse/request.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"
#include "tests/support/until.h"

namespace veneer::fuse {
namespace {

// A mount that this test serves by hand.
class RawMount {
 public:
  RawMount() : device_(Mount(scratch_.path())) {
    const auto init = ReadInit(device_.get());
    REQUIRE_OK(init);
    fuse_init_out agreed{};
    agreed.major = FUSE_KERNEL_VERSION;
    agreed.minor = FUSE_KERNEL_MINOR_VERSION;
    agreed.max_write = kMostWritten;
    agreed.max_background = 12;
    Send(Request(*init).unique(), &agreed, sizeof agreed);
  }
  RawMount(const RawMount&) = delete;
  RawMount& operator=(const RawMount&) = delete;

  int device() const { return device_.get(); }
  std::string path() const { return scratch_.path(); }

  // The number of the next request that wants an answer.
  uint64_t Receive() const {
    test::UntilReadable("a request", device());
    Bytes request(kRequestSize);
    const auto is_there = ReadRequest(device(), request);
    REQUIRE_OK(is_there);
    REQUIRE(*is_there);
    return Request(request).unique();
  }
  void Refuse(uint64_t unique) const { Send(unique, nullptr, 0, -EIO); }

 private:
  void Send(uint64_t unique, const void* body, size_t size, int error = 0) const {
    Bytes answer(sizeof(fuse_out_header) + size);
    const fuse_out_header header{static_cast<uint32_t>(answer.size()), error, unique};
    std::memcpy(answer.data(), &header, sizeof header);
    if (size != 0) std::memcpy(answer.data() + sizeof header, body, size);
    REQUIRE(::write(device(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
  }

  static UniqueFd Mount(const std::string& path) {
    auto device = MountFuse("test", path, 0);
    REQUIRE_OK(device);
    return std::move(*device);
  }

  struct Unmounter {
    std::string path;
    ~Unmounter() { ::umount2(path.c_str(), MNT_DETACH); }
  };

  test::Scratch scratch_;
  Unmounter unmounter_{scratch_.path()};
  UniqueFd device_;
};

TEST_CASE("whether the kernel waits for an answer can be asked, and asking changes nothing") {
  std::future<int> asker;  // ends when the mount does, whatever fails
  const RawMount mount;
  asker = std::async(std::launch::async, [path = mount.path()] {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? 0 : errno;
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
  CHECK(asker.get() == EIO);
  CHECK_FALSE(IsUnanswered(mount.device(), second));
}

}  // namespace
}  // namespace veneer::fuse
