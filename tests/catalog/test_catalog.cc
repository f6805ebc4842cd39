#include "fs/catalog/catalog.h"

#include <sys/stat.h>

#include <filesystem>

#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

TEST_CASE("a new catalog is empty") {
  const NewCatalog store;
  const auto catalog = store.Read();
  CHECK(catalog->Layers()->empty());
  CHECK(catalog->Generations()->empty());
  CHECK(catalog->Events(10)->empty());
  CHECK(catalog->NextGeneration() == 1U);
  const auto state = catalog->ReadState();
  REQUIRE_OK(state);
  CHECK(state->current == 0);
  CHECK(state->pending == 0);
  CHECK(state->last_good == 0);
  CHECK(state->highest_sequence.empty());
  CHECK_FALSE(catalog->Layer(SampleId(1)).value());
  CHECK_FALSE(catalog->Layer("no id").value());
  CHECK_FALSE(catalog->Generation(1).value());
  CHECK_FALSE(catalog->Generation(0).value());
}

TEST_CASE("a catalog is not made where anything is") {
  const NewCatalog store;
  REQUIRE_FAILS(ErrorCode::kExists, Catalog::Create(store.path()));
  REQUIRE_FAILS(ErrorCode::kExists, Catalog::Create(store.folder()));
  REQUIRE_FAILS(ErrorCode::kNotFound, Catalog::Create(store.folder() + "/no/catalog"));
}

// What the test below writes.
void CheckWritten(const Catalog& catalog) {
  const auto layers = catalog.Layers();
  REQUIRE_OK(layers);
  REQUIRE(layers->size() == 2);
  CHECK(layers->at(0).id == SampleId(2));
  CHECK(layers->at(1).id == SampleId(1));
  CHECK(catalog.Layer(SampleId(1)).value()->slot == 2);
  const auto generations = catalog.Generations();
  REQUIRE_OK(generations);
  REQUIRE(generations->size() == 2);
  CHECK(generations->at(0).layers == std::vector{SampleId(2), SampleId(1)});
  CHECK(generations->at(0).effective_root == EffectiveRoot({SampleId(2), SampleId(1)}));
  CHECK(catalog.Generation(2).value()->reason == "activate");
  const auto state = catalog.ReadState();
  REQUIRE_OK(state);
  CHECK(state->current == 2);
  CHECK(state->pending == 1);
  CHECK(state->last_good == 2);
  CHECK(state->highest_sequence ==
        std::map<std::string, uint32_t>{{"openssl", 3}, {"libc++6-1.0", 4294967295}});
  CHECK(state->security_floor == std::map<std::string, uint32_t>{{"openssl", 2}});
  CHECK(state->withdrawn == std::map<std::string, uint64_t>{{SampleId(9), 1700000000}});
  CHECK(state->latest_time == 1700000001);
  CHECK(state->tpm_count == 7);
  CHECK(catalog.Events(10)->size() == 1);
  CHECK(catalog.NextGeneration() == 3U);
}

TEST_CASE("what one commit wrote is read, by the writer and by others") {
  const NewCatalog store;
  Update update;
  update.PutLayer(SampleLayer(1, 2));
  update.PutLayer(SampleLayer(2, 1));
  update.PutGeneration(SampleGeneration(1, {SampleId(2), SampleId(1)}));
  update.PutGeneration(SampleGeneration(2, {SampleId(2)}));
  update.SetCurrent(2);
  update.SetPending(1);
  update.SetLastGood(2);
  update.SetHighestSequence("openssl", 3);
  update.SetHighestSequence("libc++6-1.0", 4294967295);
  update.SetSecurityFloor("openssl", 2);
  update.SetWithdrawn(SampleId(9), 1700000000);
  update.SetLatestTime(1700000001);
  update.SetTpmCount(7);
  update.AddEvent(SampleEvent("install"));
  const auto writer = store.Write();
  REQUIRE_OK(writer->Commit(std::move(update)));
  CheckWritten(*writer);
  CheckWritten(*store.Read());
}

TEST_CASE("a generation is never overwritten") {
  const NewCatalog store;
  const auto catalog = store.Write();
  REQUIRE_OK(CommitGeneration(*catalog, 5));
  Update again;
  again.PutGeneration(SampleGeneration(5, {SampleId(9)}));
  again.SetLastGood(5);
  REQUIRE_FAILS(ErrorCode::kExists, catalog->Commit(std::move(again)));
  Update twice;
  twice.PutGeneration(SampleGeneration(6));
  twice.PutGeneration(SampleGeneration(6, {SampleId(9)}));
  REQUIRE_FAILS(ErrorCode::kExists, catalog->Commit(std::move(twice)));
  CHECK(catalog->Generations()->size() == 1);
  CHECK(catalog->Generation(5).value()->layers == std::vector{SampleId(1)});
  CHECK(catalog->ReadState()->last_good == 0);
  CHECK(catalog->NextGeneration() == 6U);
}

TEST_CASE("a generation that is dropped is gone, and its number is not given again") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  Update waits;
  waits.PutGeneration(SampleGeneration(2));
  waits.SetPending(2);
  REQUIRE_OK(store.Write()->Commit(std::move(waits)));
  Update drop;
  drop.DropGeneration(2);
  drop.SetPending(0);
  SECTION("alone") {
    REQUIRE_OK(store.Write()->Commit(std::move(drop)));
    CHECK(store.Read()->NextGeneration() == 3U);
  }
  SECTION("for another") {
    drop.PutGeneration(SampleGeneration(3));
    drop.SetPending(3);
    REQUIRE_OK(store.Write()->Commit(std::move(drop)));
    CHECK(store.Read()->NextGeneration() == 4U);
    CHECK(store.Read()->ReadState()->pending == 3);
  }
  CHECK_FALSE(store.Read()->Generation(2).value());
  CHECK(store.Read()->Generation(1).value());
}

TEST_CASE("no mark is set to a generation that goes in the same commit") {
  const NewCatalog store;
  const auto catalog = store.Write();
  REQUIRE_OK(CommitGeneration(*catalog, 1));
  REQUIRE_OK(CommitGeneration(*catalog, 2));
  void (Update::*const set)(uint64_t) =
      GENERATE(&Update::SetCurrent, &Update::SetPending, &Update::SetLastGood);
  Update update;
  update.DropGeneration(1);
  (update.*set)(1);
  REQUIRE_FAILS(ErrorCode::kUsage, catalog->Commit(std::move(update)));
  CHECK(catalog->Generations()->size() == 2);
  CHECK(catalog->ReadState()->current == 2);
}

TEST_CASE("a refused commit writes nothing") {
  const NewCatalog store;
  const auto catalog = store.Write();
  Update update;
  update.PutLayer(SampleLayer(1, 1));
  update.PutGeneration(SampleGeneration(1));
  update.SetHighestSequence("openssl", 1);
  update.AddEvent(SampleEvent("activate"));
  update.SetCurrent(2);
  REQUIRE_FAILS(ErrorCode::kUsage, catalog->Commit(std::move(update)));
  CHECK(catalog->Layers()->empty());
  CHECK(catalog->Generations()->empty());
  CHECK(catalog->Events(1)->empty());
  CHECK(catalog->ReadState()->highest_sequence.empty());
  CHECK(catalog->NextGeneration() == 1U);
  Update component;
  component.SetHighestSequence("Open/SSL", 1);
  REQUIRE_FAILS(ErrorCode::kUsage, catalog->Commit(std::move(component)));
}

TEST_CASE("a slot is given once") {
  const NewCatalog store;
  CHECK(store.Write()->TakeSlot() == uint16_t{1});
  CHECK(store.Write()->TakeSlot() == uint16_t{2});  // the first was not used
  const auto catalog = store.Write();
  Update install;
  install.PutLayer(SampleLayer(1, 2));
  install.PutLayer(SampleLayer(2, 700));
  REQUIRE_OK(catalog->Commit(std::move(install)));
  CHECK(catalog->TakeSlot() == uint16_t{701});

  Update same;
  same.PutLayer(SampleLayer(3, 2));
  REQUIRE_FAILS(ErrorCode::kExists, catalog->Commit(std::move(same)));
  Update instead;
  instead.DropLayer(SampleId(1));
  instead.PutLayer(SampleLayer(3, 2));
  REQUIRE_FAILS(ErrorCode::kExists, catalog->Commit(std::move(instead)));
  Update both;
  both.PutLayer(SampleLayer(3, 800));
  both.PutLayer(SampleLayer(4, 800));
  REQUIRE_FAILS(ErrorCode::kExists, catalog->Commit(std::move(both)));

  Update drop;
  drop.DropLayer(SampleId(2));
  drop.DropLayer(SampleId(77));  // was never there
  REQUIRE_OK(catalog->Commit(std::move(drop)));
  CHECK_FALSE(catalog->Layer(SampleId(2)).value());
  CHECK(catalog->TakeSlot() == uint16_t{702});

  Update again;
  again.PutLayer(SampleLayer(1, 2));
  REQUIRE_OK(catalog->Commit(std::move(again)));
  CHECK(catalog->Layers()->size() == 1);
}

TEST_CASE("slots run out") {
  const NewCatalog store;
  const auto catalog = store.Write();
  Update install;
  install.PutLayer(SampleLayer(1, 65534));
  REQUIRE_OK(catalog->Commit(std::move(install)));
  CHECK(catalog->TakeSlot() == uint16_t{65535});
  REQUIRE_FAILS(ErrorCode::kNoSpace, catalog->TakeSlot());
  REQUIRE_FAILS(ErrorCode::kNoSpace, catalog->TakeSlot());
}

TEST_CASE("a catalog opened for reading cannot be written") {
  const NewCatalog store;
  const auto catalog = store.Read();
  REQUIRE_FAILS(ErrorCode::kUsage, CommitGeneration(*catalog, 1));
  REQUIRE_FAILS(ErrorCode::kUsage, catalog->TakeSlot());
}

TEST_CASE("of several words on one thing the last counts") {
  const NewCatalog store;
  const auto catalog = store.Write();
  Update update;
  update.PutLayer(SampleLayer(1, 1));
  update.DropLayer(SampleId(1));
  update.DropLayer(SampleId(2));
  update.PutLayer(SampleLayer(2, 2));
  update.PutGeneration(SampleGeneration(1));
  update.SetCurrent(1);
  update.SetCurrent(0);
  REQUIRE_OK(catalog->Commit(std::move(update)));
  REQUIRE(catalog->Layers()->size() == 1);
  CHECK(catalog->Layers()->at(0).id == SampleId(2));
  CHECK(catalog->ReadState()->current == 0);
}

TEST_CASE("a catalog can be read by everybody") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  struct stat st {};
  REQUIRE(::stat(store.path().c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0755);
  for (const auto& file : std::filesystem::directory_iterator(store.path())) {
    INFO(file.path());
    REQUIRE(::stat(file.path().c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0644);
  }
}

}  // namespace
}  // namespace veneer::catalog::testing
