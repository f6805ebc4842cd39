#include <filesystem>
#include <iterator>

#include "fs/catalog/catalog.h"
#include "tests/catalog/child.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kManyCommits = 300;

TEST_CASE("child: holds the catalog for writing", "[.child]") {
  const ChildSide side;
  const auto catalog = Catalog::OpenForWriting(side.path(), milliseconds(0));
  REQUIRE_OK(catalog);
  side.WriteLine("held");
  side.Wait();
}

TEST_CASE("child: commits many times", "[.child]") {
  const ChildSide side;
  for (uint64_t number = 1; number <= kManyCommits;) {
    const auto catalog = Catalog::OpenForWriting(side.path(), milliseconds(0));
    REQUIRE_OK(catalog);
    // Now and then one session alone, so that logs and tables come and go under the reader.
    for (uint64_t end = number + number % 7; number <= end; ++number) {
      REQUIRE_OK(CommitGeneration(**catalog, number));
    }
  }
}

TEST_CASE("child: counts its threads while it reads", "[.child]") {
  const ChildSide side;
  const auto catalog = Catalog::OpenForReading(side.path());
  REQUIRE_OK(catalog);
  REQUIRE_OK((*catalog)->Generations());
  const std::filesystem::directory_iterator threads("/proc/self/task");
  CHECK(std::distance(begin(threads), end(threads)) == 1);
}

TEST_CASE("a second writer is told that the catalog is busy") {
  const NewCatalog store;
  Child child("child: holds the catalog for writing", store.path());
  REQUIRE(child.ReadLine() == "held");
  int waits = 0;
  const auto at_once = Catalog::OpenForWriting(store.path(), milliseconds(0), [&] { ++waits; });
  REQUIRE_FAILS(ErrorCode::kBusy, at_once);
  CHECK(at_once.error().message().find(store.path()) == 0);
  CHECK(at_once.error().message().find('\n') == std::string::npos);
  CHECK(waits == 0);
  REQUIRE_FAILS(ErrorCode::kBusy, Catalog::OpenForWriting(store.path(), milliseconds(20), [&] { ++waits; }));
  CHECK(waits == 1);
  CHECK(store.Read()->Generations()->empty());
  child.Go();
  CHECK(child.Join());
}

TEST_CASE("a writer that waits gets the catalog when the other is done") {
  const NewCatalog store;
  Child child("child: holds the catalog for writing", store.path());
  REQUIRE(child.ReadLine() == "held");
  int waits = 0;
  const auto catalog = Catalog::OpenForWriting(store.path(), std::chrono::seconds(60), [&] {
    ++waits;
    child.Go();
  });
  REQUIRE_OK(catalog);
  CHECK(waits == 1);
  REQUIRE_OK(CommitGeneration(**catalog, 1));
  CHECK(child.Join());
}

TEST_CASE("a killed writer leaves no lock behind") {
  const NewCatalog store;
  Child child("child: holds the catalog for writing", store.path());
  REQUIRE(child.ReadLine() == "held");
  child.Kill();
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
}

TEST_CASE("one process cannot hold the catalog twice either") {
  const NewCatalog store;
  const auto catalog = store.Write();
  REQUIRE_FAILS(ErrorCode::kBusy, Catalog::OpenForWriting(store.path(), milliseconds(0)));
  REQUIRE_OK(CommitGeneration(*catalog, 1));
}

TEST_CASE("a reader beside a writer sees whole commits, each after the one before") {
  const NewCatalog store;
  Child child("child: commits many times", store.path());
  uint64_t seen = 0;
  for (unsigned reads = 0; seen < kManyCommits; ++reads) {
    REQUIRE(reads < 100000);
    const auto catalog = store.Read();
    const auto state = catalog->ReadState();
    REQUIRE_OK(state);
    const auto generations = catalog->Generations();
    REQUIRE_OK(generations);
    const auto events = catalog->Events(2 * kManyCommits);
    REQUIRE_OK(events);
    if (state->current < seen || generations->size() != state->current || events->size() != state->current ||
        catalog->NextGeneration() != state->current + 1 ||
        (state->current > 0 && generations->back().number != state->current)) {
      FAIL("current " << state->current << " after " << seen << ", with " << generations->size()
                      << " generations and " << events->size() << " events");
    }
    seen = state->current;
  }
  CHECK(child.Join());
}

TEST_CASE("reading starts no thread") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  Child child("child: counts its threads while it reads", store.path());
  CHECK(child.Join());
}

}  // namespace
}  // namespace veneer::catalog::testing
