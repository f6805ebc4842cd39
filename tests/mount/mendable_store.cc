#include "tests/mount/mendable_store.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <filesystem>

#include "fs/base/unique_fd.h"
#include "fs/io/file_ops.h"
#include "tests/mount/damage.h"
#include "tests/support/pattern.h"

namespace veneer::test {

namespace stdfs = std::filesystem;

std::string Noise(uint64_t seed) {
  return std::string(AsText(Pattern(40 * kBlockSize, seed)));
}

MendableStore::MendableStore() {
  base_ = AddBase("2", 1, 2);
  Json({"activate"});
  twin_ = Base("2.1");
  donor_ = AddBase("3", 1, 3);
  stdfs::create_directories(mount());
  Json({"mount", mount()});
}

MendableStore::~MendableStore() {
  ::umount2(mount().c_str(), MNT_DETACH);
}

std::string MendableStore::AddBase(const std::string& version, uint64_t shared, uint64_t own) const {
  shop.Write("tree/shared", Noise(shared));
  shop.Write("tree/own", Noise(own));
  return Install(Base(version));
}

uint64_t MendableStore::BlockIn(const std::string& file, uint64_t seed) const {
  const size_t place = shop.Read(file).find(Noise(seed).substr(10 * kBlockSize, 64));
  REQUIRE(place != std::string::npos);
  return place / kBlockSize;
}

uint64_t MendableStore::TreeBlock() const {
  return Json({"inspect", file()}).at("manifest").at("tree_offset").get<uint64_t>() / kBlockSize;
}

void MendableStore::DamageIn(const std::string& file, uint64_t offset) const {
  const std::string bytes = shop.Read(file);
  const auto turned = static_cast<uint8_t>(bytes.at(offset) ^ 1);
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE_OK(io::WriteAt(fd.get(), offset, {&turned, 1}, file));
  ForgetCaches();
}

void MendableStore::RequireWhole() const {
  CHECK(RunCommand({"cmp", shop / "2.layer", file()}).status == 0);
  CHECK(RunCommand({"fsck.erofs", file()}).status == 0);
  const auto manifest = Json({"inspect", file()}).at("manifest");
  CHECK(RunCommand({"veritysetup", "verify", file(), file(), manifest.at("root_hash"),
                    "--hash-offset=" + std::to_string(manifest.at("tree_offset").get<uint64_t>())})
            .status == 0);
}

}  // namespace veneer::test
