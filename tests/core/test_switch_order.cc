// The union and the switch under many threads, without a mount: the order of what they see, with the kernel's
// caches as a model. Meant for ThreadSanitizer too.
#include <algorithm>
#include <thread>

#include "tests/core/kernel_model.h"
#include "tests/support/catch.h"
#include "tests/support/test_layers.h"
#include "tests/support/until.h"

namespace veneer::core {
namespace {

using test::TestTree;

constexpr int kFolders = 3;
constexpr int kFiles = 12;     // in each, that every patch changes
constexpr int kSwitches = 60;  // each to a patch of its own, so that what is seen names its generation
constexpr int kReaders = 6;

// Slot N is shown by generation N: base 1, patch N over it. A patch changes files, its own "new-N" appears,
// and the folder "comes" is there in every second one.
TestTree PatchFor(int slot) {
  TestTree tree;
  for (int d = 0; d < kFolders; ++d) {
    for (int f = 0; f < kFiles; ++f) tree.File(fmt::format("d{}/f{}", d, f), std::to_string(slot));
    tree.File(fmt::format("d{}/new-{}", d, slot), "");
    if (slot % 2 == 0) tree.File(fmt::format("d{}/comes/inside", d), std::to_string(slot));
  }
  return tree;
}

TestTree Base() {
  TestTree tree;
  for (int d = 0; d < kFolders; ++d) {
    for (int f = 0; f < kFiles; ++f) tree.File(fmt::format("d{}/f{}", d, f), "1");
    for (int u = 0; u < 8; ++u) tree.File(fmt::format("d{}/untouched-{}", d, u), "1");
  }
  return tree;
}

// One operation, from tick to tick, and the generation that it showed: one exactly, or at least, or at most.
struct Seen {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
};

struct Scene {
  std::vector<StackLayer> layers;  // by slot, from 1
  testing::KernelModel kernel;
  std::unique_ptr<LiveTree> tree;
  std::vector<NodeId> folders;
  std::atomic<uint64_t> tick{0};
  std::atomic<uint64_t> returned{1};  // the newest generation whose switch has returned
  std::atomic<uint64_t> begun{1};     // the newest whose switch may have begun

  Scene() {
    layers.push_back(Base().Layer(1));
    for (int slot = 2; slot <= kSwitches + 1; ++slot)
      layers.push_back(PatchFor(slot).Layer(static_cast<uint16_t>(slot)));
    auto view = View::Build(1, {layers[0]});
    REQUIRE_OK(view);
    tree = std::make_unique<LiveTree>(*view, kernel);
    kernel.Attach(*tree);
    for (int d = 0; d < kFolders; ++d) folders.push_back((*(*view)->Walk(fmt::format("d{}", d)))->id);
  }

  NodeId Folder(uint64_t i) const { return folders[i % folders.size()]; }
};

// A file's slot is its generation; so is a folder's.
void SeeFile(Scene& scene, uint64_t i, Seen& one) {
  one.least = SlotOf(scene.kernel.Lookup(scene.Folder(i), fmt::format("f{}", i / kFolders % kFiles)));
  one.most = one.least;
}
void SeeAttributes(Scene& scene, uint64_t i, Seen& one) {
  one.least = scene.kernel.Attributes(scene.Folder(i));
  one.most = one.least;
}

// A name that one generation alone has: there, it is that one; not there, it is any other, so the switch that
// has returned says what must be.
bool SeeNew(Scene& scene, uint64_t i, Seen& one) {
  const uint64_t returned = scene.returned;
  const uint64_t name = returned + i % 2;
  const NodeId found = scene.kernel.Lookup(scene.Folder(i), fmt::format("new-{}", name));
  if (found != 0) {
    one.least = one.most = name;
    return SlotOf(found) == name;
  }
  return name == 1 || name > returned || scene.begun > returned;
}

// A folder that comes and goes, and a file in it. Even generations have it, of their own layer.
bool SeeComing(Scene& scene, uint64_t i, Seen& one) {
  const NodeId folder = scene.kernel.Lookup(scene.Folder(i), "comes");
  if (folder == 0) return true;
  const NodeId inside = scene.kernel.Lookup(folder, "inside");
  one.least = one.most = SlotOf(folder);
  return SlotOf(inside) == SlotOf(folder) && one.least % 2 == 0;
}

// A listing is of one generation throughout: it skips and repeats nothing; and it has followed when the
// switch has returned.
bool SeeListing(Scene& scene, uint64_t i) {
  const uint64_t returned = scene.returned;
  const auto names = scene.kernel.List(scene.Folder(i), 1 + i % 5);
  const uint64_t begun = scene.begun;
  uint64_t shown = 1;
  size_t news = 0;
  for (const std::string& name : names) {
    if (!name.starts_with("new-")) continue;
    shown = std::stoull(name.substr(4));
    ++news;
  }
  size_t expected = 2 + kFiles + 8 + news + (shown > 1 && shown % 2 == 0 ? 1 : 0);
  return news <= 1 && names.size() == expected && std::is_sorted(names.begin(), names.end()) &&
         std::adjacent_find(names.begin(), names.end()) == names.end() && shown >= returned && shown <= begun;
}

struct Reader {
  std::vector<Seen> seen;
  uint64_t wrong = 0;
  std::atomic<uint64_t> finished{0};
  std::thread thread;
};

void Read(Scene& scene, Reader& reader, uint64_t start, const std::atomic<bool>& stop) {
  for (uint64_t i = start; !stop; i += 7) {
    Seen one;
    bool right = true;
    one.begin = ++scene.tick;
    switch (i % 5) {
      case 0:
        SeeFile(scene, i, one);
        break;
      case 1:
        SeeAttributes(scene, i, one);
        break;
      case 2:
        right = SeeNew(scene, i, one);
        break;
      case 3:
        right = SeeComing(scene, i, one);
        break;
      default:
        right = SeeListing(scene, i);
    }
    one.end = ++scene.tick;
    if (!right) ++reader.wrong;
    reader.seen.push_back(one);
    ++reader.finished;
  }
}

// Those that show an older generation than one which had been seen before they began.
uint64_t CountLate(std::vector<Seen> seen) {
  std::vector<Seen> by_end = seen;
  std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) { return a.begin < b.begin; });
  std::sort(by_end.begin(), by_end.end(), [](const Seen& a, const Seen& b) { return a.end < b.end; });
  size_t ended = 0;
  uint64_t newest = 0;
  uint64_t late = 0;
  for (const Seen& one : seen) {
    for (; ended < by_end.size() && by_end[ended].end < one.begin; ++ended)
      newest = std::max(newest, by_end[ended].least);
    if (one.most < newest) ++late;
  }
  return late;
}

TEST_CASE("files, negative entries, attributes, listings: all follow one instant, whatever the threads do") {
  Scene scene;
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Reader>> readers;
  for (uint64_t r = 0; r < kReaders; ++r) {
    readers.push_back(std::make_unique<Reader>());
    Reader& reader = *readers.back();
    reader.thread = std::thread([&scene, &reader, r, &stop] { Read(scene, reader, r, stop); });
  }
  for (uint64_t generation = 2; generation <= kSwitches + 1; ++generation) {
    for (const auto& reader : readers) {
      const uint64_t enough = reader->finished + (generation % 3 == 0 ? 0 : 20);
      test::Until("a reader", [&] { return reader->finished >= enough; });
    }
    scene.begun = generation;
    const auto prepared = scene.tree->Prepare(generation, {scene.layers[0], scene.layers[generation - 1]});
    if (generation % 5 == 0 && prepared) {
      scene.tree->Abort();
      REQUIRE_OK(scene.tree->Prepare(generation, {scene.layers[0], scene.layers[generation - 1]}));
    }
    REQUIRE_OK(prepared);
    REQUIRE_OK(scene.tree->Commit());
    scene.returned = generation;
  }
  stop = true;
  std::vector<Seen> all;
  for (const auto& reader : readers) {
    reader->thread.join();
    CHECK(reader->wrong == 0);
    all.insert(all.end(), reader->seen.begin(), reader->seen.end());
  }
  CHECK(CountLate(all) == 0);
  CHECK(scene.kernel.asked() > 0);
  CHECK(scene.kernel.asked() < all.size() * 3);  // something is cached
}

TEST_CASE("a tree that takes over in the middle of a switch shows nothing new beside anything old") {
  const std::vector<StackLayer> old_stack = {Base().Layer(1)};
  const std::vector<StackLayer> new_stack = {old_stack[0], PatchFor(2).Layer(2)};
  const auto former = View::Build(1, old_stack);
  REQUIRE_OK(former);
  testing::KernelModel kernel;
  LiveTree dying(*former, kernel);
  kernel.Attach(dying);
  const NodeId folder = (*(*former)->Walk("d0"))->id;
  CHECK(kernel.Attributes(folder) == 1);
  CHECK(SlotOf(kernel.Lookup(folder, "f0")) == 1);
  CHECK(kernel.List(folder, 100).size() == 2 + kFiles + 8);
  REQUIRE_OK(dying.Prepare(2, new_stack));

  LiveTree heir(*former, kernel);
  REQUIRE_OK(heir.Replay(2, new_stack));
  REQUIRE_OK(heir.BeginFinish({*former}));
  kernel.Attach(heir);
  CHECK(SlotOf(kernel.Lookup(folder, "f0")) == 2);
  CHECK(kernel.Attributes(folder) == 2);
  REQUIRE_OK(heir.FinishSwitch({*former}));
  CHECK(kernel.List(folder, 100).size() == 2 + kFiles + 8 + 2);
}

TEST_CASE("a tree that takes over has the kernel forget all generations that were not finished") {
  const std::vector<StackLayer> base = {Base().Layer(1)};
  const std::vector<StackLayer> patched = {base[0], PatchFor(2).Layer(2)};
  testing::KernelModel kernel;
  const auto first = View::Build(1, base);
  REQUIRE_OK(first);
  LiveTree dying(*first, kernel);
  REQUIRE_OK(dying.Replay(2, patched));
  const auto second = dying.Now()->view;
  kernel.Attach(dying);
  const NodeId folder = (*second->Walk("d0"))->id;
  CHECK(SlotOf(kernel.Lookup(folder, "f0")) == 2);
  CHECK(kernel.Attributes(folder) == 2);

  // The third holds what the first held.
  LiveTree heir(*first, kernel);
  REQUIRE_OK(heir.Replay(2, patched));
  REQUIRE_OK(heir.Replay(3, base));
  REQUIRE_OK(heir.BeginFinish({*first, second}));
  kernel.Attach(heir);
  REQUIRE_OK(heir.FinishSwitch({*first, second}));
  CHECK(SlotOf(kernel.Lookup(folder, "f0")) == 1);
  CHECK(kernel.Attributes(folder) == 1);
}

TEST_CASE("a tree that takes over a prepared switch never lets the kernel keep what is about to change") {
  const std::vector<StackLayer> base = {Base().Layer(1)};
  testing::KernelModel kernel;
  auto view = View::Build(1, base);
  REQUIRE_OK(view);
  LiveTree heir(*view, kernel);
  CHECK(heir.FinishPrepare().error().code() == ErrorCode::kUsage);
  REQUIRE_OK(heir.BeginPrepare(2, {base[0], PatchFor(2).Layer(2)}));
  CHECK(heir.BeginPrepare(3, base).error().code() == ErrorCode::kBusy);
  const NodeId folder = (*(*view)->Walk("d0"))->id;
  CHECK_FALSE(heir.Now()->MayKeepEntry(folder, "f0"));
  CHECK_FALSE(heir.Now()->MayKeepAttributes(folder));
  CHECK(heir.generation() == 1);
  REQUIRE_OK(heir.FinishPrepare());
  REQUIRE_OK(heir.Commit());
  CHECK(heir.generation() == 2);
}

}  // namespace
}  // namespace veneer::core
