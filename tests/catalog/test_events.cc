#include "fs/catalog/catalog.h"
#include "fs/catalog/key_space.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

Status AddEvents(Catalog& catalog, uint64_t first, uint64_t count) {
  Update update;
  for (uint64_t i = 0; i < count; ++i) update.AddEvent(SampleEvent(std::to_string(first + i)));
  return catalog.Commit(std::move(update));
}

// The kept events are those from `first` to `last`, newest first.
void CheckKept(const Catalog& catalog, uint64_t first, uint64_t last) {
  const auto events = catalog.Events(2 * kMaxEvents);
  REQUIRE_OK(events);
  REQUIRE(events->size() == last - first + 1);
  for (const Event& event : *events) {
    if (event.number == last && event.kind == std::to_string(last)) {
      --last;
      continue;
    }
    FAIL("event " << event.number << " " << event.kind << " where " << last << " was to come");
  }
}

TEST_CASE("events are numbered by the catalog and come newest first") {
  const NewCatalog store;
  REQUIRE_OK(AddEvents(*store.Write(), 1, 2));
  REQUIRE_OK(AddEvents(*store.Write(), 3, 1));
  const auto catalog = store.Read();
  CheckKept(*catalog, 1, 3);
  const auto newest = catalog->Events(2);
  REQUIRE_OK(newest);
  REQUIRE(newest->size() == 2);
  CHECK(newest->at(0).number == 3);
  CHECK(newest->at(1).number == 2);
  CHECK(newest->at(0).by == "root, veneer");
  CHECK(newest->at(0).time == 1700000000);
  CHECK(catalog->Events(0)->empty());
}

TEST_CASE("the oldest events go when there are too many") {
  const NewCatalog store;
  const auto catalog = store.Write();
  REQUIRE_OK(AddEvents(*catalog, 1, kMaxEvents - 1));
  REQUIRE_OK(AddEvents(*catalog, kMaxEvents, 1));
  CheckKept(*catalog, 1, kMaxEvents);
  REQUIRE_OK(AddEvents(*catalog, kMaxEvents + 1, 1));
  CheckKept(*catalog, 2, kMaxEvents + 1);
  REQUIRE_OK(AddEvents(*catalog, kMaxEvents + 2, 5));
  CheckKept(*catalog, 7, kMaxEvents + 6);
}

TEST_CASE("more events at once than are kept leave the newest") {
  const NewCatalog store;
  const auto catalog = store.Write();
  REQUIRE_OK(AddEvents(*catalog, 1, 3));
  REQUIRE_OK(AddEvents(*catalog, 4, kMaxEvents + 10));
  CheckKept(*catalog, 14, kMaxEvents + 13);
}

}  // namespace
}  // namespace veneer::catalog::testing
