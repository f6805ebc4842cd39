#include "tests/mount/random_stack.h"

#include <filesystem>

#include "fs/layer/seal.h"
#include "tests/mount/signers.h"
#include "tests/support/catch.h"
#include "tests/support/tree_union.h"

namespace veneer::test {
namespace {

constexpr size_t kMostLayers = 8;
constexpr size_t kLooseFrom = 4;  // layers, for one of them to be loose
constexpr const char* kLooseArea = "area";

}  // namespace

RandomStack::RandomStack(uint64_t seed, const Workshop& shop, const std::string& folder, bool by_policy)
    : shop_(shop), folder_(folder), by_policy_(by_policy), random_(seed) {
  std::filesystem::create_directories(folder_);
  const size_t count = 1 + seed % kMostLayers;
  shown_ = random_.Base();
  Seal(shown_, "");
  for (size_t i = 1; i < count; ++i) {
    const bool loose = count >= kLooseFrom && i == count / 2;
    if (!loose) AddPatch("c" + std::to_string(i));
  }
  if (count < kLooseFrom) return;
  Seal(random_.LayerIn(kLooseArea), kLooseComponent);
  std::rotate(layers_.begin() + static_cast<ptrdiff_t>(count / 2), layers_.end() - 1, layers_.end());
}

void RandomStack::AddPatch(const std::string& component) {
  if (random_.OneIn(3)) {
    TreeSpec tree = random_.Changed(shown_);
    tree.at("").mtime_nsec = static_cast<uint32_t>(layers_.size());  // so that something differs
    Patch(tree, component);
    shown_ = std::move(tree);
  } else {
    const TreeSpec layer = random_.Layer(shown_);
    Seal(layer, component);
    shown_ = WholeTree(UnionOf({&shown_, &layer}));
  }
}

std::string RandomStack::WriteNext(const TreeSpec& tree) {
  const std::string path = folder_ + "/tree-" + std::to_string(layers_.size());
  REQUIRE(std::filesystem::create_directory(path));
  WriteTree(tree, path);
  return path;
}

std::vector<std::string> RandomStack::Required() const {
  if (!by_policy_) return {};
  std::vector<std::string> components;
  for (size_t i = 1; i < layers_.size(); ++i) components.push_back(layers_[i].component);
  return components;
}

void RandomStack::Seal(const TreeSpec& tree, const std::string& component) {
  const std::string path = WriteNext(tree);
  const std::string file = path + ".layer";
  format::Manifest manifest;
  manifest.created = "2026-01-01T00:00:00Z";
  manifest.name = component.empty() ? "base" : component + " (a)";
  if (component.empty()) {
    manifest.os = format::OsInfo{"random", "1", {}};
  } else {
    manifest.kind = format::LayerKind::kPatch;
    manifest.component = component;
    manifest.sequence = 1;
    manifest.applies_to = format::AppliesTo{"random", {"1"}, {}};
    if (component != kLooseComponent) manifest.requires_components = Required();
  }
  REQUIRE_OK(layer::Seal(path, file, std::move(manifest), SignersOf(shop_), {}));
  layers_.push_back({file, component, ""});
}

void RandomStack::Patch(const TreeSpec& tree, const std::string& component) {
  const std::string path = WriteNext(tree);
  const std::string file = path + ".layer";
  std::vector<std::string> words = {
      "patch", path,          "-o",      file,    "--base",    layers_[0].file, "--sequence",
      "1",     "--component", component, "--key", shop_.key(), "--cert",        shop_.certificate()};
  for (size_t i = 1; i < layers_.size(); ++i) words.insert(words.end(), {"--on", layers_[i].file});
  for (const std::string& required : Required()) words.insert(words.end(), {"--requires", required});
  const CommandResult result = Veneer(words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  layers_.push_back({file, component, path});
}

}  // namespace veneer::test
