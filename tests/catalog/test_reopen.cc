#include <algorithm>
#include <filesystem>
#include <iterator>

#include "fs/catalog/catalog.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// As many commands do: open, one commit, close.
void CommitInSessions(const NewCatalog& store, uint64_t first, uint64_t last) {
  for (uint64_t number = first; number <= last; ++number) {
    REQUIRE_OK(CommitGeneration(*store.Write(), number));
  }
}

std::ptrdiff_t Files(const NewCatalog& store) {
  const std::filesystem::directory_iterator files(store.path());
  return std::distance(begin(files), end(files));
}

TEST_CASE("many short sessions do not leave many files") {
  const NewCatalog store;
  std::ptrdiff_t most = 0;
  for (uint64_t number = 1; number <= 40; ++number) {
    CommitInSessions(store, number, number);
    most = std::max(most, Files(store));
  }
  CHECK(most < 30);
  CHECK(store.Read()->Generations()->size() == 40);
}

TEST_CASE("a reader keeps its moment while writers go on") {
  const NewCatalog store;
  CommitInSessions(store, 1, 3);
  const auto reader = store.Read();
  CommitInSessions(store, 4, 24);  // its tables are merged away
  const auto generations = reader->Generations();
  REQUIRE_OK(generations);
  CHECK(generations->size() == 3);
  CHECK(reader->ReadState()->current == 3);
  CHECK(reader->Events(100)->size() == 3);
  CHECK(store.Read()->ReadState()->current == 24);
}

TEST_CASE("a writer that has not closed yet is seen by new readers") {
  const NewCatalog store;
  const auto writer = store.Write();
  REQUIRE_OK(CommitGeneration(*writer, 1));
  CHECK(store.Read()->ReadState()->current == 1);
  REQUIRE_OK(CommitGeneration(*writer, 2));
  CHECK(store.Read()->ReadState()->current == 2);
}

}  // namespace
}  // namespace veneer::catalog::testing
