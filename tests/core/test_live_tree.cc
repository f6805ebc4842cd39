#include "fs/core/live_tree.h"

#include <algorithm>
#include <atomic>
#include <shared_mutex>
#include <thread>
#include <unordered_map>

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"
#include "tests/support/until.h"

namespace veneer::core {
namespace {

using test::TestTree;

// The kernel's cache of entries, with its locks: a look-up holds its folder's lock, shared, until the answer
// is kept, and forgetting takes it exclusively.
class FakeKernel final : public KernelCache {
 public:
  void Attach(LiveTree& tree) { tree_ = &tree; }

  // The child's id, 0 if there is none: from the cache, or asked of the tree and kept if that is allowed.
  NodeId Lookup(NodeId folder, const std::string& name) {
    const std::shared_lock folder_lock(MutexOf(folder));
    {
      const std::lock_guard lock(cache_mutex_);
      if (const auto found = cache_.find({folder, name}); found != cache_.end()) return found->second;
    }
    ++asked_;
    const auto moment = tree_->Now();
    const auto node = moment->view->Lookup(folder, name);
    const NodeId id = node && *node ? (*node)->id : 0;
    if (moment->MayKeepEntry(folder, name)) {
      const std::lock_guard lock(cache_mutex_);
      cache_[{folder, name}] = id;
    }
    return id;
  }

  Status ForgetEntry(NodeId folder, std::string_view name) override {
    if (fail_after_ == 0) return Fail(ErrorCode::kIo, "the kernel would not");
    --fail_after_;
    const std::unique_lock folder_lock(MutexOf(folder));
    const std::lock_guard lock(cache_mutex_);
    cache_.erase({folder, std::string(name)});
    return {};
  }

  Status Barrier(NodeId folder) override {
    const std::unique_lock folder_lock(MutexOf(folder));
    return {};
  }

  Status ForgetAttributes(NodeId) override { return {}; }

  Status ForgetFolder(NodeId folder) override {
    const std::lock_guard lock(cache_mutex_);
    forgotten_.push_back(folder);
    return {};
  }

  // As when the folder's entry, forgotten, comes back with an answer of before.
  void Keep(NodeId folder, const std::string& name, NodeId id) { cache_[{folder, name}] = id; }

  void FailAfter(int64_t entries) { fail_after_ = entries; }
  uint64_t asked() const { return asked_; }
  const std::vector<NodeId>& forgotten() const { return forgotten_; }

 private:
  std::shared_mutex& MutexOf(NodeId folder) {
    const std::lock_guard lock(cache_mutex_);
    return folders_[folder];
  }

  LiveTree* tree_ = nullptr;
  std::atomic<uint64_t> asked_{0};
  int64_t fail_after_ = INT64_MAX;
  std::mutex cache_mutex_;
  std::map<std::pair<NodeId, std::string>, NodeId> cache_;  // guarded by cache_mutex_
  std::unordered_map<NodeId, std::shared_mutex> folders_;   // guarded by cache_mutex_
  std::vector<NodeId> forgotten_;                           // guarded by cache_mutex_
};

// A tree that shows a base and can be switched to the base under any one of `patches`.
struct Mounted {
  StackLayer base;
  FakeKernel kernel;
  std::unique_ptr<LiveTree> tree;

  explicit Mounted(const TestTree& below) : base(below.Layer(1)) {
    auto view = View::Build(1, {base});
    REQUIRE_OK(view);
    tree = std::make_unique<LiveTree>(*view, kernel);
    kernel.Attach(*tree);
  }
};

constexpr int kFiles = 40;

TestTree BaseTree() {
  TestTree base;
  for (int i = 0; i < kFiles; ++i) base.File(fmt::format("d{}/f{}", i % 4, i), "base");
  base.File("untouched", "base");
  return base;
}

TestTree PatchTree(int patch) {
  TestTree tree;
  for (int i = 0; i < kFiles; ++i)
    tree.File(fmt::format("d{}/f{}", i % 4, i), fmt::format("patch {}", patch));
  return tree;
}

TEST_CASE("a switch forgets what changes and keeps the rest") {
  Mounted mounted(BaseTree());
  const NodeId folder = (*mounted.tree->Now()->view->Walk("d1"))->id;
  const NodeId before = mounted.kernel.Lookup(folder, "f1");
  mounted.kernel.Lookup(kRootId, "untouched");
  const auto planned = mounted.tree->Prepare(2, {mounted.base, PatchTree(1).Layer(2)});
  REQUIRE_OK(planned);
  CHECK(planned->entries == kFiles);
  CHECK(mounted.tree->generation() == 1);
  CHECK(mounted.kernel.Lookup(folder, "f1") == before);  // the old answer still
  REQUIRE_OK(mounted.tree->Commit());
  CHECK(mounted.tree->generation() == 2);
  CHECK(SlotOf(mounted.kernel.Lookup(folder, "f1")) == 2);
  CHECK(mounted.kernel.forgotten().size() ==
        5);  // the four folders and the root, whose attributes are the patch's
  const uint64_t asked = mounted.kernel.asked();
  mounted.kernel.Lookup(kRootId, "untouched");
  mounted.kernel.Lookup(folder, "f1");
  CHECK(mounted.kernel.asked() == asked);
}

TEST_CASE("a folder that went is forgotten again after the instant") {
  Mounted mounted(BaseTree());
  const NodeId folder = mounted.kernel.Lookup(kRootId, "d1");
  TestTree patch;
  patch.File("d1", "no folder any more");
  REQUIRE_OK(mounted.tree->Prepare(2, {mounted.base, patch.Layer(2)}));
  mounted.kernel.Keep(kRootId, "d1", folder);
  REQUIRE_OK(mounted.tree->Commit());
  CHECK(SlotOf(mounted.kernel.Lookup(kRootId, "d1")) == 2);
}

TEST_CASE("a switch that is taken back, or that the kernel refuses, changes nothing") {
  Mounted mounted(BaseTree());
  const NodeId folder = (*mounted.tree->Now()->view->Walk("d1"))->id;
  const StackLayer patch = PatchTree(1).Layer(2);
  REQUIRE_OK(mounted.tree->Prepare(2, {mounted.base, patch}));
  REQUIRE_FAILS(ErrorCode::kBusy, mounted.tree->Prepare(3, {mounted.base}));
  mounted.tree->Abort();
  CHECK(SlotOf(mounted.kernel.Lookup(folder, "f1")) == 1);
  mounted.kernel.FailAfter(3);
  REQUIRE_FAILS(ErrorCode::kIo, mounted.tree->Prepare(2, {mounted.base, patch}));
  CHECK(mounted.tree->Now()->pending == nullptr);
  CHECK(mounted.tree->generation() == 1);
  REQUIRE_FAILS(ErrorCode::kUsage, mounted.tree->Commit());
  mounted.kernel.FailAfter(INT64_MAX);
  REQUIRE_OK(mounted.tree->Prepare(2, {mounted.base, patch}));
  REQUIRE_OK(mounted.tree->Commit());
}

TEST_CASE("a listing that a switch overtakes goes on in its own generation, however old") {
  Mounted mounted(BaseTree());
  const NodeId folder = (*mounted.tree->Now()->view->Walk("d1"))->id;
  const auto first = FolderLister::Open(*mounted.tree->Now()->view, folder, 0);
  REQUIRE_OK(first);
  const Cookie cookie = first->entry()->cookie;
  for (uint64_t generation = 2; generation < 30; ++generation) {
    TestTree patch;
    patch.Whiteout("d1/f5").File(fmt::format("d1/new{}", generation), "n");
    REQUIRE_OK(
        mounted.tree->Prepare(generation, {mounted.base, patch.Layer(static_cast<uint16_t>(generation))}));
    REQUIRE_OK(mounted.tree->Commit());
  }
  const auto view = mounted.tree->ViewForListing(*mounted.tree->Now(), cookie);
  REQUIRE_OK(view);
  auto rest = FolderLister::Open(**view, folder, cookie);
  REQUIRE_OK(rest);
  std::vector<std::string> names;
  while (rest->entry() != nullptr) {
    names.emplace_back(rest->entry()->name);
    REQUIRE_OK(rest->Next());
  }
  CHECK(std::count(names.begin(), names.end(), "f5") == 1);
  CHECK(names.size() == 11);  // ".." and the ten files that the base has there
  REQUIRE_FAILS(ErrorCode::kNotFound,
                mounted.tree->ViewForListing(*mounted.tree->Now(), Cookie{12345} << 37));
}

// One look-up, with the ticks of a common counter at which it began and ended.
struct Seen {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint16_t slot = 0;  // grows with the generation
};

TEST_CASE("once anybody has seen the new generation, nobody who starts later sees the old") {
  constexpr int kSwitches = 24;
  constexpr int kReaders = 4;
  Mounted mounted(BaseTree());
  std::vector<StackLayer> patches;
  for (int i = 0; i < kSwitches; ++i) patches.push_back(PatchTree(i).Layer(static_cast<uint16_t>(i + 2)));
  std::vector<NodeId> folders;
  for (int i = 0; i < 4; ++i)
    folders.push_back((*mounted.tree->Now()->view->Walk(fmt::format("d{}", i)))->id);

  std::atomic<uint64_t> tick{0};
  std::atomic<bool> stop{false};
  std::atomic<int> started{0};
  std::vector<std::vector<Seen>> seen(kReaders);
  std::vector<std::thread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = reader; !stop; i = (i + 1) % kFiles) {
        Seen one;
        one.begin = ++tick;
        one.slot = SlotOf(mounted.kernel.Lookup(folders[static_cast<size_t>(i % 4)], fmt::format("f{}", i)));
        one.end = ++tick;
        seen[static_cast<size_t>(reader)].push_back(one);
        if (seen[static_cast<size_t>(reader)].size() == 100) ++started;
      }
    });
  }
  test::Until("the readers", [&] { return started == kReaders; });
  for (int i = 0; i < kSwitches; ++i) {
    REQUIRE_OK(
        mounted.tree->Prepare(static_cast<uint64_t>(i + 2), {mounted.base, patches[static_cast<size_t>(i)]}));
    REQUIRE_OK(mounted.tree->Commit());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();

  std::vector<Seen> all;
  for (const auto& one : seen) all.insert(all.end(), one.begin(), one.end());
  std::vector<Seen> by_end = all;
  std::sort(all.begin(), all.end(), [](const Seen& a, const Seen& b) { return a.begin < b.begin; });
  std::sort(by_end.begin(), by_end.end(), [](const Seen& a, const Seen& b) { return a.end < b.end; });
  size_t ended = 0;
  uint16_t newest = 0;
  uint64_t late = 0;
  for (const Seen& one : all) {
    for (; ended < by_end.size() && by_end[ended].end < one.begin; ++ended)
      newest = std::max(newest, by_end[ended].slot);
    if (one.slot < newest) ++late;
  }
  CHECK(late == 0);
}

TEST_CASE("a layer that is let go of is closed, and only then") {
  const TestTree below = BaseTree();
  Mounted mounted(below);
  TestTree patch;
  patch.File("d0/f0", "new");
  StackLayer above = patch.Layer(2);
  const std::weak_ptr<const erofs::Image> image = above.image;
  REQUIRE_OK(mounted.tree->Prepare(2, {mounted.base, above}));
  const auto held_by_nobody = [](uint16_t) { return false; };
  REQUIRE_FAILS(ErrorCode::kBusy, mounted.tree->Release({2}, held_by_nobody));
  REQUIRE_OK(mounted.tree->Commit());
  REQUIRE_FAILS(ErrorCode::kUsage, mounted.tree->Release({2}, held_by_nobody));
  const NodeId held = (*mounted.tree->Now()->view->Walk("d0/f0"))->id;
  REQUIRE_OK(mounted.tree->Prepare(3, {mounted.base}));
  REQUIRE_OK(mounted.tree->Commit());
  above.image.reset();
  CHECK_FALSE(image.expired());
  CHECK(mounted.tree->Now()->view->Get(held).has_value());
  {
    const auto request = mounted.tree->Now();  // one under way keeps it
    REQUIRE_OK(mounted.tree->Release({2}, held_by_nobody));
    CHECK_FALSE(image.expired());
  }
  CHECK(image.expired());
  REQUIRE_FAILS(ErrorCode::kNotFound, mounted.tree->Now()->view->Get(held));
}

}  // namespace
}  // namespace veneer::core
