// `veneer scan --repair` by the real program, under a real mount.
#include <fcntl.h>
#include <sys/mount.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "fs/base/unique_fd.h"
#include "fs/format/trailer.h"
#include "tests/mount/damage.h"
#include "tests/mount/mendable_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

TEST_CASE(
    "a block that a live mount cannot read is mended from a layer that is not current, and served again") {
  const MendableStore store;
  const uint64_t block = store.BlockOf(1);
  const auto mode = stdfs::status(store.file()).permissions();
  store.Damage(block * kBlockSize + 100);
  REQUIRE(ReadErrno(store.mount() + "/shared") == EIO);
  RequireErrorLine(store.Run({"scan"}), 3, "scan", {"scan --repair"});

  const auto repaired = store.Json({"scan", "--repair"});
  CHECK(repaired.at("repaired") == 1);
  REQUIRE(repaired.at("findings").size() == 1);
  const auto finding = repaired.at("findings")[0];
  CHECK(finding.at("layer") == store.base_id());
  CHECK(finding.at("block") == block);
  CHECK(finding.at("kind") == "data");
  CHECK(finding.at("paths") == nlohmann::json{"/shared"});
  CHECK(finding.at("repaired") == true);
  CHECK(finding.at("from") == store.donor_id());

  CHECK((store.shop.Read(store.mount() + "/shared") == Noise(1)));
  store.RequireWhole();
  CHECK(stdfs::status(store.file()).permissions() == mode);
  CHECK(store.Json({"scan"}).at("findings").empty());
  const auto event = store.Json({"history", "--limit", "1"}).at("events").at(0);
  CHECK(event.at("kind") == "repair");
  CHECK(std::string(event.at("text")).find(store.base_id()) != std::string::npos);
}

TEST_CASE(
    "readers of a mount see the damage or the right bytes while a layer is mended, and then these alone") {
  const MendableStore store;
  const uint64_t block = store.BlockOf(1);
  for (int round = 0; round < 5; ++round) {
    store.Damage(block * kBlockSize + 100);
    std::atomic<bool> wrong = false;
    std::jthread reader([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const UniqueFd fd(::open((store.mount() + "/shared").c_str(), O_RDONLY | O_CLOEXEC));
        std::string piece(kBlockSize, '\0');
        const ssize_t n = ::pread(fd.get(), piece.data(), piece.size(), 10 * kBlockSize);
        if (n >= 0 ? piece != Noise(1).substr(10 * kBlockSize, kBlockSize) : errno != EIO) wrong = true;
      }
    });
    const CommandResult repaired = store.Run({"scan", "--repair"});
    reader.request_stop();
    reader.join();
    CHECK(repaired.status == 0);
    CHECK_FALSE(wrong);
    CHECK((store.shop.Read(store.mount() + "/shared") == Noise(1)));
  }
  store.RequireWhole();
}

TEST_CASE(
    "two layers that hide from each other what they have are mended in one run, whichever comes first") {
  const MendableStore store;
  const std::string donor = store.FileOf(store.donor_id());
  const auto digest_of = [&](const std::string& file, uint64_t block) {
    const auto tree = store.Json({"inspect", file}).at("manifest").at("tree_offset").get<uint64_t>();
    return tree + kBlockSize + block * sizeof(Digest);
  };
  const uint64_t here = store.BlockOf(1);
  const uint64_t there = store.BlockIn(donor, 1);
  // A block that the donor has, whose hash tree does not say so; and the other way round.
  store.Damage(here * kBlockSize + 100);
  store.DamageIn(donor, digest_of(donor, there));
  store.DamageIn(donor, (there + 5) * kBlockSize + 100);
  store.Damage(digest_of(store.file(), here + 5));
  const auto repaired = store.Json({"scan", "--repair"});
  CHECK(repaired.at("repaired") == 4);
  CHECK(repaired.at("findings").size() == 4);
  store.RequireWhole();
  CHECK(store.Json({"scan"}).at("findings").empty());
}

TEST_CASE("superblock, hash tree and data are mended together under a mount") {
  const MendableStore store;
  store.Json({"install", store.twin()});
  store.Damage(1024);
  // The digest of the last block, which is good.
  store.Damage((store.TreeBlock() + 1) * kBlockSize + (store.TreeBlock() - 1) * sizeof(Digest));
  store.Damage(store.BlockOf(1) * kBlockSize + 4000);
  CHECK(store.Run({"scan"}).status == 3);
  const CommandResult repaired = store.Run({"scan", "--repair", "--layer", store.base_id()});
  INFO(repaired.out << repaired.err);
  CHECK(repaired.status == 0);
  CHECK(repaired.out.find("repaired from") != std::string::npos);
  store.RequireWhole();
  CHECK((store.shop.Read(store.mount() + "/shared") == Noise(1)));
}

TEST_CASE("what no layer has is left, and named with what mends it") {
  const MendableStore store;
  const uint64_t own = store.BlockOf(2);
  store.Damage(own * kBlockSize);
  store.Damage(store.BlockOf(1) * kBlockSize);
  const auto json = store.Json({"scan", "--repair"}, 3);
  CHECK(json.at("repaired") == 1);
  REQUIRE(json.at("findings").size() == 2);
  for (const auto& finding : json.at("findings"))
    CHECK(finding.at("repaired") == (finding.at("block") != own));
  RequireErrorLine(store.Run({"scan", "--repair"}), 3, "scan", {"install FILE"});
  CHECK(ReadErrno(store.mount() + "/own") == EIO);
  CHECK((store.shop.Read(store.mount() + "/shared") == Noise(1)));

  store.Json({"install", store.shop / "2.layer"});
  CHECK(store.Json({"scan", "--repair"}).at("findings").empty());
}

TEST_CASE("trailer, signature and verity superblock are not mended, and the command that does is named") {
  const int part = GENERATE(0, 1, 2);
  const MendableStore store;
  const uint64_t size = stdfs::file_size(store.file());
  const uint64_t offset = part == 0   ? size - 10
                          : part == 1 ? size - sizeof(format::RawTrailer) - 50
                                      : store.TreeBlock() * kBlockSize + 3;
  store.Damage(offset);
  const std::string damaged = store.shop.Read(store.file());
  const auto json = store.Json({"scan", "--repair"}, 3);
  REQUIRE(json.at("findings").size() == 1);
  CHECK(json.at("findings")[0].at("repaired") == false);
  CHECK(std::string(json.at("findings")[0].at("message")).find("install FILE") != std::string::npos);
  RequireErrorLine(store.Run({"scan"}), 3, "scan", {"/store install FILE"});
  CHECK((store.shop.Read(store.file()) == damaged));
}

TEST_CASE("a layer gives its blocks though its own trailer or signature is damaged") {
  const bool trailer = GENERATE(true, false);
  const MendableStore store;
  const std::string donor = store.FileOf(store.donor_id());
  const uint64_t size = stdfs::file_size(donor);
  store.DamageIn(donor, trailer ? size - 10 : size - sizeof(format::RawTrailer) - 50);
  store.Damage(store.BlockOf(1) * kBlockSize);
  const auto json = store.Json({"scan", "--repair", "--layer", store.base_id()});
  CHECK(json.at("repaired") == 1);
  CHECK(json.at("findings")[0].at("from") == store.donor_id());
  store.RequireWhole();
}

TEST_CASE("a store that cannot be written to is told as that, and stays as it is") {
  const MendableStore store;
  store.Damage(store.BlockOf(1) * kBlockSize);
  const std::string damaged = store.shop.Read(store.file());
  REQUIRE(::mount(store.path().c_str(), store.path().c_str(), nullptr, MS_BIND, nullptr) == 0);
  REQUIRE(::mount(nullptr, store.path().c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  RequireErrorLine(store.Run({"scan", "--repair"}), 3, "scan",
                   {"Read-only file system", "where the store can be written to"});
  REQUIRE(::umount2(store.path().c_str(), MNT_DETACH) == 0);
  CHECK((store.shop.Read(store.file()) == damaged));
}

}  // namespace
}  // namespace veneer::test
