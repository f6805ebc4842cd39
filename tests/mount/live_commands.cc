#include "tests/mount/live_commands.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "fs/io/file_ops.h"

namespace veneer::test {
namespace {

catalog::Store OpenStore(const SwitchRig& rig) {
  auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  return std::move(*store);
}

std::unique_ptr<catalog::Catalog> OpenCatalog(const SwitchRig& rig) {
  auto catalog = OpenStore(rig).OpenCatalogForReading();
  REQUIRE_OK(catalog);
  return std::move(*catalog);
}

// The generations that show `tree`.
std::vector<uint64_t> GenerationsOf(const SwitchRig& rig, int tree) {
  const auto generations = OpenCatalog(rig)->Generations();
  REQUIRE_OK(generations);
  std::vector<uint64_t> numbers;
  for (const catalog::GenerationRecord& generation : *generations) {
    if (generation.layers == rig.StackOf(tree)) numbers.push_back(generation.number);
  }
  return numbers;
}

}  // namespace

LiveCommands::LiveCommands(const SwitchRig& rig) : rig_(rig) {
  const std::string file = rig.root() + "/spare.layer";
  const std::string keys = rig.root() + "/keys";
  rig.Run({"seal", rig.root() + "/t0", "-o", file, "--id", "demo", "--version", "0.9", "--key",
           keys + "/signer.key", "--cert", keys + "/signer.pem"});
  const std::string id = rig.Json({"install", file}).at("installed").at(0).at("id");
  spare_ = rig.store() + "/layers/" + id + ".layer";
  image_size_ = rig.Json({"inspect", file}).at("manifest").at("image_size");
}

LiveCommands::Words LiveCommands::Pick(std::mt19937_64& random, int tree) {
  const uint64_t which = random() % 8;
  switch (which) {
    case 0:
      return {"gc", "--keep", std::to_string(random() % 3)};
    case 1:
      Damage(random);
      return {"scan", "--repair"};
    case 2:
      return {"reload"};
    case 3:
      return {"status"};
    default:
      return PickSwitch(random, tree, (tree + 1 + static_cast<int>(random() % (kTrees - 1))) % kTrees);
  }
}

LiveCommands::Words LiveCommands::PickSwitch(std::mt19937_64& random, int from, int to) const {
  std::vector<Words> ways;
  if (to == 0) ways = {{"revert", "--all"}};
  if (to == 1 && from == 0) ways = {{"install", rig_.LayerFile(1), "--activate"}, {"activate", "p"}};
  if (to == 1 && from == 2) ways = {{"revert", "q"}};
  if (to == 2) ways = {{"install", rig_.LayerFile(1), rig_.LayerFile(2), "--activate"}, {"activate"}};
  if (const auto numbers = GenerationsOf(rig_, to); !numbers.empty())
    ways.push_back({"revert", "--to", std::to_string(numbers[random() % numbers.size()])});
  const Words words = ways[random() % ways.size()];
  if (words.front() != "install") Supply();
  return words;
}

// gc takes patches that only former generations have.
void LiveCommands::Supply() const {
  const auto layers = OpenCatalog(rig_)->Layers();
  REQUIRE_OK(layers);
  for (const int tree : {1, 2}) {
    const std::string id = rig_.StackOf(tree).back();
    if (std::none_of(layers->begin(), layers->end(), [&](const auto& layer) { return layer.id == id; }))
      rig_.Run({"install", rig_.LayerFile(tree)});
  }
}

// Turns a bit of a block that the current base has too, in the base that nobody reads.
void LiveCommands::Damage(std::mt19937_64& random) {
  const UniqueFd fd(::open(spare_.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(fd);
  const uint64_t offset = random() % image_size_;
  std::array<uint8_t, 1> byte{};
  REQUIRE(::pread(fd.get(), byte.data(), 1, static_cast<off_t>(offset)) == 1);
  byte[0] ^= 1;
  REQUIRE_OK(io::WriteAt(fd.get(), offset, byte, spare_));
  damaged_ = true;
}

void LiveCommands::Mend() {
  if (damaged_) rig_.Run({"scan", "--repair"});
  damaged_ = false;
}

}  // namespace veneer::test
