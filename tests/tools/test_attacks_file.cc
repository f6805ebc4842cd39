// The attack table, second part: what the file holds, and what stands in its place.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "fs/core/install.h"
#include "tests/tools/attack.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::ordered_json;

TEST_CASE("attack: one byte changed, wherever") {
  const AttackedStore store;
  const std::string good = store.Good();
  const LayerParts parts = TakeApart(good);
  const format::Trailer& trailer = parts.trailer;
  const size_t end = ReadFile(good).size();
  const size_t manifest = trailer.cms_offset + parts.cms.find(parts.manifest);
  const std::vector<std::pair<const char*, size_t>> places = {
      {"the manifest's first byte", manifest},
      {"the manifest's middle", manifest + parts.manifest.size() / 2},
      {"the CMS message's first byte", trailer.cms_offset},
      {"the signature", trailer.cms_offset + trailer.cms_size - 5},
      {"the verity superblock", trailer.tree_offset + 9},
      {"the tree", trailer.tree_offset + kBlockSize + 5},
      {"the tree's padding", trailer.tree_offset + trailer.tree_size - 1},
      {"the image's first block", 5},
      {"the image's superblock", 1030},
      {"the image's last byte", trailer.image_size - 1},
      {"the trailer's magic", end - 128},
      {"the trailer's sizes", end - 128 + 24},
      {"the trailer's reserved bytes", end - 128 + 70},
      {"the trailer's end", end - 1},
  };
  for (const auto& [what, offset] : places) {
    INFO(what);
    CopyWithDamage(good, store.Forged(), offset);
    store.RepelsFile(store.Forged(), "corrupt");
  }
}

TEST_CASE("attack: the manifest of one layer with the image of another") {
  const AttackedStore store;
  LayerParts one = TakeApart(store.Good());
  const LayerParts other = TakeApart(store.Patch("other", "other", 1));
  REQUIRE(one.trailer.cms_offset == other.trailer.cms_offset);
  one.image = other.image;
  PutTogether(one, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
  one.tree = other.tree;
  PutTogether(one, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: trailing data") {
  const AttackedStore store;
  const std::string good = store.Good();
  WriteFile(store.Forged(), ReadFile(good) + "x");
  store.RepelsFile(store.Forged(), "corrupt");
  WriteFile(store.Forged(), ReadFile(good) + ReadFile(good));
  store.RepelsFile(store.Forged(), "corrupt");
  LayerParts parts = TakeApart(good);
  parts.cms += "x";
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
  parts = TakeApart(good);
  parts.tree += std::string(kBlockSize, '\0');
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: two CMS messages") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  parts.cms += parts.cms;
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: the signature of another digest") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  // Another manifest of the same length in the place of the one that was signed.
  std::string other = parts.manifest;
  const size_t place = other.find("\"sequence\": 2");
  REQUIRE(place != std::string::npos);
  other[place + 12] = '9';
  parts.cms.replace(parts.cms.find(parts.manifest), parts.manifest.size(), other);
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: an unknown schema") {
  const AttackedStore store;
  Reseal(store.Good(), store.Forged(), store.Keys(), [](Json& manifest) { manifest["schema"] = 2; });
  store.RepelsFile(store.Forged(), "unsupported-schema");
}

TEST_CASE("attack: a manifest of 100 MB") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  parts.cms = Sign(parts.manifest + std::string(100 << 20, ' '), store.Keys());
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
  parts.cms = Sign(parts.manifest + std::string(3 << 20, ' '), store.Keys());  // under the cap of the message
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: JSON that two readers could understand differently") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  const std::string rest = parts.manifest.substr(1);
  const std::vector<std::pair<const char*, std::string>> texts = {
      {"nested 10,000 deep", "{\"x\": " + std::string(10000, '[') + std::string(10000, ']') + "," + rest},
      {"objects 10,000 deep",
       [&] {
         std::string text = "{\"x\": ";
         for (int i = 0; i < 10000; ++i) text += "{\"a\":";
         return text + "1" + std::string(10000, '}') + "," + rest;
       }()},
      {"a key twice", "{\"sequence\": 9," + rest},
      {"a key twice, spelt otherwise", "{\"s\\u0065quence\": 9," + rest},
      {"NUL", "{\"x\": \"" + std::string(1, '\0') + "\"," + rest},
      {"NUL, escaped", "{\"x\": \"\\u0000\"," + rest},
      {"invalid UTF-8", "{\"x\": \"\xff\"," + rest},
      {"an overlong form", "{\"x\": \"\xc0\xaf\"," + rest},
      {"something behind it", parts.manifest + "{}"},
  };
  for (const auto& [what, text] : texts) {
    INFO(what);
    parts.cms = Sign(text, store.Keys());
    PutTogether(parts, store.Forged());
    store.RepelsFile(store.Forged(), "corrupt");
  }
}

TEST_CASE("attack: a size over 4 GiB") {
  const AttackedStore store;
  const std::string good = store.Good();
  constexpr uint64_t kFourGiB = uint64_t{1} << 32;
  // Sizes whose lower 32 bits are right, in the manifest alone and in the trailer as well.
  Reseal(good, store.Forged(), store.Keys(), [](Json& manifest) {
    manifest["image_size"] = manifest["image_size"].get<uint64_t>() + kFourGiB;
    manifest["tree_offset"] = manifest["tree_offset"].get<uint64_t>() + kFourGiB;
  });
  store.RepelsFile(store.Forged(), "corrupt");
  LayerParts parts = TakeApart(store.Forged());
  parts.trailer.image_size += kFourGiB;
  parts.trailer.tree_offset += kFourGiB;
  parts.trailer.cms_offset += kFourGiB;
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
  Reseal(good, store.Forged(), store.Keys(),
         [](Json& manifest) { manifest["tree_size"] = uint64_t{1} << 61; });
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: a symbolic link, a FIFO or a folder in place of the file") {
  const AttackedStore store;
  stdfs::create_symlink(store.Good(), store.shop / "link.layer");
  store.Repels({"install", store.shop / "link.layer"}, "corrupt");
  REQUIRE(::mkfifo((store.shop / "fifo.layer").c_str(), 0600) == 0);
  store.RepelsFile(store.shop / "fifo.layer", "corrupt");
  store.RepelsFile(store.shop.tree(), "corrupt");
  store.Repels({"install", "/dev/zero"}, "corrupt");
}

TEST_CASE("attack: the file swapped between check and use") {
  const AttackedStore store;
  const std::string path = store.Good();
  CopyWithDamage(path, store.Forged(), 4096);
  const auto opened = catalog::Store::Open(store.path());
  REQUIRE_OK(opened);
  const auto trust = opened->LoadTrust();
  REQUIRE_OK(trust);
  auto catalog = opened->OpenCatalogForWriting(std::chrono::seconds(5));
  REQUIRE_OK(catalog);
  const auto file = io::PosixFile::Open(path);
  REQUIRE_OK(file);
  stdfs::rename(store.Forged(), path);  // after the open, before the check
  const auto installed =
      core::Install(**file, *opened, **catalog, **trust, std::time(nullptr), "test", [](auto&&...) {});
  REQUIRE_OK(installed);
  catalog->reset();
  CHECK(store.Json({"scan"}).at("findings").empty());
}

TEST_CASE("attack: the file's content changed while it is installed") {
  const AttackedStore store;
  const std::string path = store.Good();
  const std::string good = ReadFile(path);
  std::jthread attacker([&](const std::stop_token& stop) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    for (char byte = 0; !stop.stop_requested(); ++byte) {
      if (::pwrite(fd.get(), &byte, 1, 4096) != 1) return;
    }
  });
  for (int round = 0; round < 10; ++round) {
    const auto before = TakeSnapshot(store.path());
    const CommandResult result = store.Run({"install", path});
    INFO(result.err);
    if (result.status == 0) break;
    CHECK(result.status == 4);
    CHECK(TakeSnapshot(store.path()) == before);
  }
  attacker.request_stop();
  attacker.join();
  CHECK(store.Json({"scan"}).at("findings").empty());
}

}  // namespace
}  // namespace veneer::test
