// What is damaged on the device, where the kernel has cached what was there before.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/base/unique_fd.h"
#include "fs/io/file_ops.h"
#include "tests/mount/mendable_store.h"
#include "tests/support/held_reads.h"

namespace veneer::test {
namespace {

// A store in an ext4 of its own, whose device is a file.
class StoreOnDevice {
 public:
  StoreOnDevice() {
    shop.Write("tree/noise", Noise(1));
    shop.Sealed();
    Must({"truncate", "-s", "64M", device()});
    Must({"mkfs.ext4", "-q", device()});
    Must({"mkdir", shop / "mnt"});
    Must({"mount", "-o", "loop", device(), shop / "mnt"});
    VeneerJson({"--store", path(), "init", "--trust", shop.trust()});
  }
  ~StoreOnDevice() { ::umount2((shop / "mnt").c_str(), 0); }
  StoreOnDevice(const StoreOnDevice&) = delete;
  StoreOnDevice& operator=(const StoreOnDevice&) = delete;

  std::string path() const { return shop / "mnt/store"; }
  CommandResult Run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", path()});
    return Veneer(words);
  }

  // Turns a bit of a block of the file of noise: on the device, and nowhere else.
  void Damage() const {
    const size_t place = shop.Read(device()).find(Noise(1).substr(10 * kBlockSize, kBlockSize));
    REQUIRE(place != std::string::npos);
    const auto turned = static_cast<uint8_t>(Noise(1)[10 * kBlockSize] ^ 1);
    const UniqueFd fd(::open(device().c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE_OK(io::WriteAt(fd.get(), place, {&turned, 1}, device()));
  }

  Workshop shop;

 private:
  std::string device() const { return shop / "device"; }
  static void Must(const std::vector<std::string>& argv) {
    const CommandResult result = RunCommand(argv);
    INFO(result.err);
    REQUIRE(result.status == 0);
  }
};

TEST_CASE("a scan finds what is damaged on the device, though the kernel has it cached as it was") {
  const StoreOnDevice store;
  const std::string layer = store.shop / "base.layer";
  const auto installed = VeneerJson({"--store", store.path(), "install", layer});
  const std::string id = installed.at("installed").at(0).at("id");
  const std::string file = store.path() + "/layers/" + id + ".layer";
  REQUIRE(RunCommand({"cmp", layer, file}).status == 0);  // and it is in the cache
  store.Damage();
  REQUIRE(RunCommand({"cmp", layer, file}).status == 0);
  SECTION("scan") {
    RequireErrorLine(store.Run({"scan"}), 3, "scan", {"damage found in 1 places"});
  }
  SECTION("install, which puts it in place again") {
    const auto again = VeneerJson({"--store", store.path(), "install", layer});
    CHECK(again.at("installed").at(0).at("repaired") == true);
  }
}

TEST_CASE("an install reads back what the device has, and not what it wrote") {
  const StoreOnDevice store;
  HeldReads reads(store.path() + "/layers");
  Command install(VeneerCommand({"--store", store.path(), "install", store.shop / "base.layer"}));
  reads.WaitForOne();  // it is written, and is about to be verified
  store.Damage();
  reads.Release();
  RequireErrorLine(install.Wait(), 4, "install", {"do not match their signed hash"});
}

}  // namespace
}  // namespace veneer::test
