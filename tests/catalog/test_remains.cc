// What is still read of a catalog of which something is lost.
#include "fs/catalog/remains.h"

#include <rocksdb/db.h>
#include <sys/resource.h>

#include <fstream>

#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/rocks_options.h"
#include "tests/catalog/samples.h"
#include "tests/support/catalog_table.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// Two generations of which the first is current, a mark of each kind, and a slot and numbers that were given
// and are not there any more.
NewCatalog Filled() {
  NewCatalog store;
  Remains given;
  given.next_slot = 12;
  given.next_generation = 8;
  REQUIRE_OK(GoOnNumbering(store.path(), given));
  const auto catalog = store.Write();
  Update update;
  update.PutLayer(SampleLayer(1, 7));
  update.PutGeneration(SampleGeneration(1));
  update.PutGeneration(SampleGeneration(2));
  update.SetCurrent(1);
  update.SetPending(2);
  update.SetHighestSequence("lib", 5);
  update.SetSecurityFloor("lib", 3);
  update.SetWithdrawn(SampleId(9), 1700000000);
  update.SetLatestTime(1800000000);
  update.AddEvent(SampleEvent("activate"));
  REQUIRE_OK(catalog->Commit(std::move(update)));
  return store;
}

void Damage(const NewCatalog& store, FamilyIndex family) {
  std::ofstream(test::TableOf(store.path(), family), std::ios::binary | std::ios::trunc) << "damaged";
}

void CheckMarks(const Remains& remains) {
  CHECK(remains.state.highest_sequence.at("lib") == 5);
  CHECK(remains.state.security_floor.at("lib") == 3);
  CHECK(remains.state.withdrawn.contains(SampleId(9)));
  CHECK(remains.state.latest_time == 1800000000);
  CHECK(remains.state.current == 1);
  CHECK(remains.state.pending == 2);
  CHECK(remains.current_known);
}

TEST_CASE("a whole catalog is read wholly, its numbers too") {
  const NewCatalog store = Filled();
  const auto remains = ReadRemains(store.path());
  REQUIRE_OK(remains);
  CheckMarks(*remains);
  CHECK(remains->generations.size() == 2);
  CHECK(remains->slots.at(SampleId(1)) == 7);
  CHECK(remains->next_slot == 12);
  CHECK(remains->next_generation == 8);
  CHECK(remains->lost.empty());
  CHECK_FALSE(remains->older);
}

TEST_CASE("what one family has lost costs nothing of the others, and lost history nothing") {
  const NewCatalog store = Filled();
  SECTION("events") {
    Damage(store, kEvents);
    const auto remains = ReadRemains(store.path());
    REQUIRE_OK(remains);
    CheckMarks(*remains);
    CHECK(remains->generations.size() == 2);
    CHECK(remains->lost.empty());
  }
  SECTION("generations") {
    Damage(store, kGenerations);
    const auto remains = ReadRemains(store.path());
    REQUIRE_OK(remains);
    CheckMarks(*remains);
    CHECK(remains->generations.empty());
    CHECK(remains->next_generation == 8);
    REQUIRE(remains->lost.size() == 1);
    CHECK(remains->lost[0].message().starts_with("generations: "));
    CHECK(remains->lost[0].message().find("run: ") == std::string::npos);
  }
  SECTION("state") {
    Damage(store, kState);
    const auto remains = ReadRemains(store.path());
    REQUIRE_OK(remains);
    CHECK_FALSE(remains->current_known);
    CHECK(remains->generations.size() == 2);
    CHECK(remains->next_slot == 8);
    CHECK(remains->next_generation == 3);
    CHECK(remains->lost.size() == 1);
  }
}

TEST_CASE("one entry that is damaged costs none beside it") {
  const NewCatalog store = Filled();
  {
    const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
    REQUIRE_OK(database);
    rocksdb::WriteBatch put;
    REQUIRE_OK((*database)->Put(put, kState, "last-good", "x"));
    REQUIRE_OK((*database)->Put(put, kState, "sequence/net", "x"));
    REQUIRE_OK((*database)->Put(put, kGenerations, NumberKey(5), "x"));
    REQUIRE_OK((*database)->Write(put));
  }
  const auto remains = ReadRemains(store.path());
  REQUIRE_OK(remains);
  CheckMarks(*remains);
  CHECK(remains->generations.size() == 2);
  CHECK(remains->lost.size() == 3);
}

TEST_CASE("a catalog that is not there, and one of a newer program, are no losses") {
  const NewCatalog store = Filled();
  REQUIRE_FAILS(ErrorCode::kNotFound, ReadRemains(store.folder() + "/none"));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open(DatabaseOptions(OpenMode::kWrite, nullptr), store.path(), FamilyDescriptors(),
                            &handles, &db)
              .ok());
  rocksdb::ColumnFamilyHandle* added = nullptr;
  REQUIRE(db->CreateColumnFamily(rocksdb::ColumnFamilyOptions(), "newer", &added).ok());
  handles.push_back(added);
  for (rocksdb::ColumnFamilyHandle* handle : handles)
    static_cast<void>(db->DestroyColumnFamilyHandle(handle));
  delete db;
  REQUIRE_FAILS(ErrorCode::kUnsupported, ReadRemains(store.path()));
}

TEST_CASE("what cannot be read for now is an error wherever it comes up, and never a loss") {
  const NewCatalog store = Filled();
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  int failed = 0;
  bool done = false;
  for (rlim_t limit = 3; !done && limit < 256; ++limit) {
    INFO("files up to " << limit);
    const struct rlimit few = {limit, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    const auto remains = ReadRemains(store.path());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    if (!remains) {
      REQUIRE_FAILS(ErrorCode::kIo, remains);
      ++failed;
      continue;
    }
    CheckMarks(*remains);
    CHECK(remains->lost.empty());
    done = true;
  }
  CHECK(done);
  CHECK(failed > 1);
}

}  // namespace
}  // namespace veneer::catalog::testing
