// Random stacks on a real mount, switched live and held after each switch against the kernel's overlayfs over
// the kernel's EROFS of the very same layer files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "fs/base/unique_fd.h"
#include "fs/catalog/store.h"
#include "fs/fuse/activation.h"
#include "tests/mount/installed_store.h"
#include "tests/mount/random_stack.h"
#include "tests/support/kernel_mounts.h"
#include "tests/support/look_ups.h"
#include "tests/support/seeds.h"
#include "tests/support/tree_compare.h"

namespace veneer::test {
namespace {

constexpr uint64_t kSeeds = 24;
constexpr uint64_t kByProgramOneIn = 4;  // seeds whose switches are all made by the program
constexpr int kJumps = 4;                // to random stacks, at the end of the other seeds
constexpr uint64_t kHeldAtATime = 4;

// Files and folders kept open over switches, as programs do.
class Held {
 public:
  void Open(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat st {};
    if (!fd || ::fstat(fd.get(), &st) != 0) return;  // of a type that is not opened so, or absent
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return;
    std::string content = S_ISREG(st.st_mode) ? Content(fd.get()) : "";
    held_.push_back({std::move(fd), std::move(content), path});
  }

  // What a file held before, it holds still.
  std::string Describe() const {
    std::string report;
    for (const One& one : held_) {
      if (!one.content.empty() && Content(one.fd.get()) != one.content)
        report += one.path + ": is held and has changed\n";
    }
    return report;
  }

 private:
  struct One {
    UniqueFd fd;
    std::string content;
    std::string path;
  };

  static std::string Content(int fd) {
    std::string content(2 << 20, '\0');
    const ssize_t size = ::pread(fd, content.data(), content.size(), 0);
    REQUIRE(size >= 0);
    content.resize(static_cast<size_t>(size));
    return content;
  }

  std::vector<One> held_;
};

// One seed: its layers, the store with them, and the kernel's mounts beside it.
class Trial {
 public:
  Trial(uint64_t seed, const Workshop& shop, bool by_program)
      : folder_(shop / ("seed-" + std::to_string(seed))),
        stack_(seed, shop, folder_ + "/layers", by_program),
        store_(shop, folder_, Files(stack_)) {
    for (const std::string& id : store_.ids()) {
      erofs_.push_back(
          KernelMount::Erofs(store_.LayerFile(id), folder_ + "/k" + std::to_string(erofs_.size())));
    }
  }

  void RunByProgram();
  void RunByLibrary();

 private:
  static std::vector<std::string> Files(const RandomStack& stack) {
    std::vector<std::string> files;
    for (const SealedLayer& layer : stack.layers()) files.push_back(layer.file);
    return files;
  }

  size_t IndexOf(const std::string& id) const {
    const auto& ids = store_.ids();
    return static_cast<size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
  }

  // Whether the mount shows what the kernel shows of `ids`.
  void Require(const std::vector<std::string>& ids);
  void RequireWholeTree(const std::vector<std::string>& ids) const;
  void HoldSome();

  std::string folder_;
  RandomStack stack_;
  InstalledStore store_;
  std::vector<KernelMount> erofs_;  // by index of the layer
  Held held_;
};

void Trial::HoldSome() {
  const auto& known = stack_.random().known();
  for (uint64_t i = 0; i < kHeldAtATime; ++i) {
    const auto path = std::next(known.begin(), static_cast<ptrdiff_t>(stack_.random().Below(known.size())));
    held_.Open(store_.mount() + "/" + *path);
  }
}

void Trial::Require(const std::vector<std::string>& ids) {
  std::vector<std::string> lower;
  std::string shown;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    lower.push_back(erofs_.at(IndexOf(*id)).folder());
    shown += " " + std::to_string(IndexOf(*id));
  }
  INFO("layers, topmost first:" << shown);
  std::optional<KernelMount> overlay;
  if (lower.size() > 1) overlay.emplace(KernelMount::Overlay(lower, folder_ + "/overlay"));
  const std::string& kernel = overlay ? overlay->folder() : lower.front();

  CompareOptions options;
  options.hole_layout = options.folder_nlink = options.whole_stat = options.left_lists_whiteouts = true;
  // Before the listings, which would mend what is stale, and again behind them, with all in the caches.
  REQUIRE(DescribeLookUps(kernel, store_.mount(), stack_.random().known()) == "");
  REQUIRE(DescribeDifferences(kernel, store_.mount(), options) == "");
  REQUIRE(DescribeLookUps(kernel, store_.mount(), stack_.random().known()) == "");
  RequireWholeTree(ids);
  REQUIRE(held_.Describe() == "");
  HoldSome();
}

// Where the topmost layer was made of a whole tree over just these, that tree is what is shown.
void Trial::RequireWholeTree(const std::vector<std::string>& ids) const {
  const size_t top = IndexOf(ids.back());
  std::vector<std::string> below;
  for (size_t i = 0; i <= top; ++i) {
    if (stack_.layers()[i].component != kLooseComponent) below.push_back(store_.ids()[i]);
  }
  const std::string& whole = stack_.layers()[top].whole;
  if (whole.empty() || ids != below) return;
  REQUIRE(DescribeDifferences(whole, store_.mount()) == "");
}

// Activated one by one, the one in the middle taken out and put back, all dropped, and the top alone dropped.
void Trial::RunByProgram() {
  Require(store_.Current());
  bool loose = false;
  std::string top;
  for (const SealedLayer& layer : stack_.layers()) {
    if (layer.component.empty()) continue;
    store_.Run({"activate", layer.component});
    Require(store_.Current());
    loose = loose || layer.component == kLooseComponent;
    top = layer.component;
  }
  if (loose) {
    store_.Run({"revert", kLooseComponent});
    Require(store_.Current());
  }
  store_.Run({"activate"});
  CHECK(store_.Current().size() == store_.ids().size());
  Require(store_.Current());
  if (!top.empty()) {
    store_.Run({"revert", top});
    Require(store_.Current());
  }
  store_.Run({"revert", "--to", "1"});
  Require(store_.Current());
  store_.Run({"activate"});
  Require(store_.Current());
  store_.Run({"revert", "--all"});
  Require(store_.Current());
}

// The same without policy in the way: also what it would not let through, as layers in any order.
void Trial::RunByLibrary() {
  auto store = catalog::Store::Open(store_.store());
  REQUIRE_OK(store);
  auto catalog = store->OpenCatalogForWriting(std::chrono::seconds(10));
  REQUIRE_OK(catalog);
  const auto show = [&](const std::vector<std::string>& ids) {
    const auto report =
        fuse::SwitchGeneration(*store, **catalog, ids, "test", {0, 1700000000, "activate", 0, "test", ""});
    REQUIRE_OK(report);
    REQUIRE(report->warnings.empty());
    REQUIRE(report->mounts.size() == 1);
    Require(ids);
  };
  const std::vector<std::string>& all = store_.ids();
  std::vector<std::string> ids = {all.front()};
  Require(ids);
  for (size_t i = 1; i < all.size(); ++i) {
    ids.push_back(all[i]);
    show(ids);
  }
  if (all.size() > 2) {
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(1 + stack_.random().Below(all.size() - 2)));
    show(ids);
  }
  show(all);
  show({all.front()});
  for (int jump = 0; jump < kJumps && all.size() > 1; ++jump) {
    ids.resize(1);
    for (size_t i = 1; i < all.size(); ++i) {
      if (!stack_.random().OneIn(3)) ids.push_back(all[i]);
    }
    if (ids.size() > 2 && stack_.random().OneIn(3)) std::swap(ids[1], ids.back());
    show(ids);
  }
  show(all);
}

TEST_CASE("random stacks show, after each switch, what the kernel's overlayfs shows") {
  const Workshop shop;
  const Seeds seeds = SeedsOr(kSeeds);
  for (uint64_t seed = seeds.from; seed <= seeds.to; ++seed) {
    INFO("seed " << seed);
    const bool by_program = seed % kByProgramOneIn == 0;
    Trial trial(seed, shop, by_program);
    if (by_program) {
      trial.RunByProgram();
    } else {
      trial.RunByLibrary();
    }
    std::filesystem::remove_all(shop / ("seed-" + std::to_string(seed) + "/layers"));
  }
}

}  // namespace
}  // namespace veneer::test
