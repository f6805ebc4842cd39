// What a mount takes must not grow with the image: neither the work of mounting nor what the worker keeps.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "fs/fuse/sanitizers.h"
#include "tests/mount/installed_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kFilesInFolder = 200;

// A sealed image of `files` small files.
std::string SealFiles(const Workshop& shop, const std::string& name, int files) {
  for (int i = 0; i < files; ++i) {
    const std::string folder = fmt::format("{}/{}-tree/d{}", shop.path(), name, i / kFilesInFolder);
    if (i % kFilesInFolder == 0) stdfs::create_directories(folder);
    std::ofstream(fmt::format("{}/f{}", folder, i)) << std::string(3000, 'x') << i;
  }
  const std::string layer = shop / (name + ".layer");
  const CommandResult sealed = Veneer({"seal", shop / (name + "-tree"), "-o", layer, "--id", name,
                                       "--version", "1", "--key", shop.key(), "--cert", shop.certificate()});
  INFO(sealed.err);
  REQUIRE(sealed.status == 0);
  return layer;
}

// Kibibytes that the process had resident at most.
long MostResident(int pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  FAIL("no VmHWM of " << pid);
  return 0;
}

uint64_t BlocksVerified(const InstalledStore& store) {
  return store.Run({"status"}).at("mounts").at(0).at("counters").at("blocks_verified");
}

TEST_CASE("to mount and look at one file takes as many blocks of a large image as of a small one") {
  const Workshop shop;
  uint64_t blocks[2] = {};
  size_t at = 0;
  for (const int files : {200, 20000}) {
    const std::string name = fmt::format("n{}", files);
    const InstalledStore store(shop, shop / (name + "-live"), {SealFiles(shop, name, files)});
    struct stat st {};
    REQUIRE(::stat((store.mount() + "/d0/f0").c_str(), &st) == 0);
    blocks[at++] = BlocksVerified(store);
  }
  CHECK(blocks[0] > 0);
  CHECK(blocks[1] <= blocks[0] + 8);  // a deeper tree of hashes, a longer root folder
}

TEST_CASE("a worker keeps no descriptor and next to no memory for the files that were read") {
  const Workshop shop;
  const InstalledStore store(shop, shop / "live", {SealFiles(shop, "many", 20000)});
  const int worker = store.Run({"status"}).at("mounts").at(0).at("worker_pid");
  uint64_t bytes = 0;
  for (const auto& entry : stdfs::recursive_directory_iterator(store.mount())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    bytes += std::string(std::istreambuf_iterator<char>(file), {}).size();
  }
  CHECK(bytes > uint64_t{20000} * 3000);
  if (!fuse::kSanitized) CHECK(MostResident(worker) < 64 * 1024);
  const auto open = std::distance(stdfs::directory_iterator(fmt::format("/proc/{}/fd", worker)),
                                  stdfs::directory_iterator());
  CHECK(open < 32);
}

}  // namespace
}  // namespace veneer::test
