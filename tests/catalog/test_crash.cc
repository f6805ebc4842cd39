#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "fs/catalog/catalog.h"
#include "fs/io/file_ops.h"
#include "tests/catalog/child.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// Whether generations 1 to the current one are all there, each with its event; and the current one.
uint64_t CheckWhole(const Catalog& catalog) {
  const auto state = catalog.ReadState();
  REQUIRE_OK(state);
  const auto generations = catalog.Generations();
  REQUIRE_OK(generations);
  const auto events = catalog.Events(100000);
  REQUIRE_OK(events);
  CHECK(generations->size() == state->current);
  CHECK(events->size() == state->current);
  CHECK(catalog.NextGeneration() == state->current + 1);
  if (state->current > 0) {
    CHECK(generations->back().number == state->current);
    CHECK(events->front().generation == state->current);
  }
  return state->current;
}

TEST_CASE("child: commits until it is killed", "[.child]") {
  const ChildSide side;
  for (;;) {
    const auto catalog = Catalog::OpenForWriting(side.path(), std::chrono::seconds(10));
    REQUIRE_OK(catalog);
    for (int i = 0; i < 5; ++i) {
      const auto number = (*catalog)->NextGeneration();
      REQUIRE_OK(number);
      REQUIRE_OK(CommitGeneration(**catalog, *number));
      side.WriteLine(std::to_string(*number));
    }
  }
}

void Spin(std::chrono::microseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) continue;
}

TEST_CASE("a writer killed at any point leaves whole commits") {
  const NewCatalog store;
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  uint64_t acknowledged = 0;
  for (int round = 0; round < 30; ++round) {
    Child child("child: commits until it is killed", store.path());
    const auto take = [&] {
      const std::string line = child.ReadLine();
      if (!line.empty()) acknowledged = std::stoull(line);
      return !line.empty();
    };
    for (unsigned lines = 1 + random() % 8; lines > 0; --lines) REQUIRE(take());
    Spin(std::chrono::microseconds(random() % 20000));
    child.Kill();
    while (take()) continue;
    // One more may be there, whose answer the child did not get to give.
    const uint64_t seen = CheckWhole(*store.Read());
    CHECK(seen >= acknowledged);
    CHECK(seen <= acknowledged + 1);
    CHECK(CheckWhole(*store.Write()) == seen);
    acknowledged = seen;
  }
  CHECK(acknowledged >= 30);
}

// A folder as it is at this moment, file by file.
class Image {
 public:
  explicit Image(const std::string& path) {
    for (const auto& file : std::filesystem::directory_iterator(path)) {
      auto bytes = io::ReadWholeFile(file.path(), 1 << 24);
      REQUIRE_OK(bytes);
      files_[file.path().filename()] = std::move(*bytes);
    }
  }
  // The log that is being written: the one with the highest number.
  Bytes& log() {
    const auto found = std::find_if(files_.rbegin(), files_.rend(),
                                    [](const auto& file) { return file.first.ends_with(".log"); });
    REQUIRE(found != files_.rend());
    return found->second;
  }
  void WriteTo(const std::string& path) const {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
    for (const auto& [name, bytes] : files_) {
      std::ofstream(path + "/" + name, std::ios::binary) << AsText(bytes);
    }
  }

 private:
  std::map<std::string, Bytes> files_;
};

// The current generation of the catalog in `path`, as a reader and then a writer find it; the writer goes on.
uint64_t CheckGoesOn(const std::string& path) {
  uint64_t current = 0;
  {
    const auto reader = Catalog::OpenForReading(path);
    REQUIRE_OK(reader);
    current = CheckWhole(**reader);
  }
  const auto writer = Catalog::OpenForWriting(path, std::chrono::seconds(0));
  REQUIRE_OK(writer);
  CHECK(CheckWhole(**writer) == current);
  REQUIRE_OK(CommitGeneration(**writer, current + 1));
  CHECK(CheckWhole(**writer) == current + 1);
  return current;
}

// A power cut keeps the beginning of what was written since the last sync; behind it, nothing or anything.
TEST_CASE("a commit cut short by a power cut has not happened") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  const auto writer = store.Write();
  REQUIRE_OK(CommitGeneration(*writer, 2));
  const size_t two = Image(store.path()).log().size();
  REQUIRE_OK(CommitGeneration(*writer, 3));
  const Image whole(store.path());
  const std::string copy = store.folder() + "/copy";
  whole.WriteTo(copy);
  CHECK(CheckGoesOn(copy) == 3);

  const size_t three = Image(whole).log().size();
  REQUIRE(three > two);
  std::mt19937 random(1);
  for (size_t cut = 0; cut < three; cut += 29) {
    INFO("cut at " << cut << ", commits end at " << two << " and " << three);
    const uint64_t expected = cut < two ? 1 : 2;
    Image shorter = whole;
    shorter.log().resize(cut);
    shorter.WriteTo(copy);
    CHECK(CheckGoesOn(copy) == expected);
    Image garbage = whole;
    const auto tail = garbage.log().begin() + static_cast<std::ptrdiff_t>(cut);
    if (cut % 2 == 0) std::fill(tail, garbage.log().end(), uint8_t{0});
    if (cut % 2 == 1)
      std::generate(tail, garbage.log().end(), [&] { return static_cast<uint8_t>(random()); });
    garbage.WriteTo(copy);
    CHECK(CheckGoesOn(copy) == expected);
  }
}

}  // namespace
}  // namespace veneer::catalog::testing
