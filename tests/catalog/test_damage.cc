#include <rocksdb/db.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "fs/catalog/catalog.h"
#include "fs/catalog/codec.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "tests/catalog/child.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"
#include "tests/support/watchdog.h"

namespace veneer::catalog::testing {
namespace {

using Read = std::function<Status(Catalog&)>;

template <typename T>
Status Drop(Result<T> result) {
  return result ? Status() : Status(tl::unexpected(std::move(result).error()));
}

Status ReadLayers(Catalog& catalog) {
  return Drop(catalog.Layers());
}
Status ReadGenerations(Catalog& catalog) {
  return Drop(catalog.Generations());
}
Status ReadMarks(Catalog& catalog) {
  return Drop(catalog.ReadState());
}
Status ReadEvents(Catalog& catalog) {
  return Drop(catalog.Events(10));
}

struct Fault {
  FamilyIndex family;
  std::string key;
  std::string value;
  Read read;
};

// Puts the fault's entry into an otherwise good catalog, takes it out again, and checks what reading says.
void CheckDamaged(const NewCatalog& store, const Fault& fault) {
  const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
  REQUIRE_OK(database);
  rocksdb::WriteBatch put;
  REQUIRE_OK((*database)->Put(put, fault.family, fault.key, fault.value));
  REQUIRE_OK((*database)->Write(put));
  const auto status = fault.read(*store.Read());
  INFO(kFamilies.at(fault.family).name << " " << ShowKey(fault.family, fault.key) << " = " << fault.value);
  REQUIRE_FAILS(ErrorCode::kDamaged, status);
  const std::string& message = status.error().message();
  INFO(message);
  const std::string place =
      std::string(kFamilies.at(fault.family).name) + " " + ShowKey(fault.family, fault.key);
  CHECK(message.find(store.path() + ": " + place) == 0);
  CHECK(message.find("veneer repair-catalog") != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  rocksdb::WriteBatch remove;
  REQUIRE_OK((*database)->Delete(remove, fault.family, fault.key));
  REQUIRE_OK((*database)->Write(remove));
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("a damaged layer is told") {
  const NewCatalog store;
  const Entry good = *EncodeLayer(SampleLayer(1, 7));
  const Read one = [](Catalog& catalog) { return Drop(catalog.Layer(SampleId(1))); };
  for (const std::string& value : {
           std::string(),
           std::string("[]"),
           std::string("null"),
           good.value + "x",
           good.value.substr(0, good.value.size() - 1),
           Replaced(good.value, "\"slot\":7", "\"slot\":0"),
           Replaced(good.value, "\"slot\":7", "\"slot\":65536"),
           Replaced(good.value, "\"slot\":7", "\"slot\":-1"),
           Replaced(good.value, "\"slot\":7", "\"slot\":7.0"),
           Replaced(good.value, "\"slot\":7", "\"slot\":\"7\""),
           Replaced(good.value, "\"slot\":7", "\"Slot\":7"),
           Replaced(good.value, SampleId(1) + ".layer", ""),
           Replaced(good.value, SampleId(1) + ".layer", ".."),
           Replaced(good.value, SampleId(1) + ".layer", "../../etc/passwd"),
           Replaced(good.value, SampleId(1) + ".layer", "a/b.layer"),
           Replaced(good.value, SampleId(1) + ".layer", "a\\u0000b"),
           Replaced(good.value, "\"manifest\":", "\"other\":"),
           Replaced(good.value, "1700000001", "18446744073709551615"),
           Replaced(good.value, "1700000001", "1e3"),
           Replaced(good.value, "schema", "sch\xff"),
       }) {
    CheckDamaged(store, {kLayers, good.key, value, ReadLayers});
    CheckDamaged(store, {kLayers, good.key, value, one});
  }
  CheckDamaged(store, {kLayers, "short", good.value, ReadLayers});
  CheckDamaged(store, {kLayers, good.key + "x", good.value, ReadLayers});
  CheckDamaged(store, {kLayers, good.key, "x", [](Catalog& catalog) { return Drop(catalog.TakeSlot()); }});
}

TEST_CASE("two layers with one slot are damage") {
  const NewCatalog store;
  Update update;
  update.PutLayer(SampleLayer(1, 7));
  REQUIRE_OK(store.Write()->Commit(std::move(update)));
  const Entry same = *EncodeLayer(SampleLayer(2, 7));
  const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
  REQUIRE_OK(database);
  rocksdb::WriteBatch put;
  REQUIRE_OK((*database)->Put(put, kLayers, same.key, same.value));
  REQUIRE_OK((*database)->Write(put));
  REQUIRE_FAILS(ErrorCode::kDamaged, store.Read()->Layers());
}

TEST_CASE("a damaged generation is told") {
  const NewCatalog store;
  const Entry good = *EncodeGeneration(SampleGeneration(3, {SampleId(1), SampleId(2)}));
  const std::string root = ToHex(EffectiveRoot({SampleId(1), SampleId(2)}));
  const Read one = [](Catalog& catalog) { return Drop(catalog.Generation(3)); };
  for (const std::string& value : {
           std::string(),
           good.value.substr(1),
           Replaced(good.value, SampleId(2), SampleId(3)),
           Replaced(good.value, SampleId(2), SampleId(2).substr(1)),
           Replaced(good.value, "\"" + SampleId(2) + "\"", "2"),
           Replaced(good.value, "\"layers\":[", "\"layers\":[[],"),
           Replaced(good.value, "\"layers\":", "\"l\":"),
           Replaced(good.value, root, ToHex(EffectiveRoot({SampleId(1)}))),
           Replaced(good.value, root, root + "0"),
           Replaced(good.value, root, ""),
           Replaced(good.value, "\"activate\"", "7"),
           Replaced(good.value, "1700000000", "\"now\""),
       }) {
    CheckDamaged(store, {kGenerations, good.key, value, ReadGenerations});
    CheckDamaged(store, {kGenerations, good.key, value, one});
  }
  const Read next = [](Catalog& catalog) { return Drop(catalog.NextGeneration()); };
  for (const std::string& key :
       {std::string(), std::string("\1"), NumberKey(0), NumberKey(kMaxNumber + 1), good.key + "x"}) {
    CheckDamaged(store, {kGenerations, key, good.value, ReadGenerations});
    CheckDamaged(store, {kGenerations, key, good.value, next});
  }
}

TEST_CASE("a damaged state is told") {
  const NewCatalog store;
  for (const char* name : {"current", "pending", "last-good", "sequence/openssl"}) {
    for (const char* value : {"", "x", "-1", "01", "1 ", "9223372036854775808"}) {
      CheckDamaged(store, {kState, name, value, ReadMarks});
    }
  }
  CheckDamaged(store, {kState, "sequence/openssl", "4294967296", ReadMarks});
  for (const std::string name : {"sequence/", "sequence/A", "sequence/a/b", "sequence/-a"}) {
    CheckDamaged(store, {kState, name, "1", ReadMarks});
  }
  const Read generation = [](Catalog& catalog) { return Drop(catalog.NextGeneration()); };
  const Read slot = [](Catalog& catalog) { return Drop(catalog.TakeSlot()); };
  CheckDamaged(store, {kState, "next-generation", "x", generation});
  CheckDamaged(store, {kState, "next-slot", "x", slot});
  CheckDamaged(store, {kState, "next-slot", "65537", slot});
}

TEST_CASE("a damaged event is told") {
  const NewCatalog store;
  Event event = SampleEvent("install");
  event.number = 1;
  const Entry good = *EncodeEvent(event);
  for (const std::string& value : {
           std::string(),
           Replaced(good.value, "\"kind\":\"install\"", "\"kind\":7"),
           Replaced(good.value, "\"generation\":1", "\"generation\":-1"),
           Replaced(good.value, "\"generation\":1", "\"generation\":9223372036854775808"),
           Replaced(good.value, "\"by\":", "\"from\":"),
           Replaced(good.value, "\"text\":", "\"words\":"),
           Replaced(good.value, "\"time\":", "\"date\":"),
       }) {
    CheckDamaged(store, {kEvents, good.key, value, ReadEvents});
  }
  CheckDamaged(store, {kEvents, "x", good.value, ReadEvents});
}

TEST_CASE("names in the state that only a newer program knows are passed over") {
  const NewCatalog store;
  const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
  REQUIRE_OK(database);
  rocksdb::WriteBatch put;
  REQUIRE_OK((*database)->Put(put, kState, "feed-version", "seven"));
  REQUIRE_OK((*database)->Write(put));
  REQUIRE_OK(store.Read()->ReadState());
}

TEST_CASE("counters that were set back do not give a number twice") {
  const NewCatalog store;
  Update update;
  update.PutLayer(SampleLayer(1, 7));
  update.PutGeneration(SampleGeneration(3));
  REQUIRE_OK(store.Write()->Commit(std::move(update)));
  {
    const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
    REQUIRE_OK(database);
    rocksdb::WriteBatch put;
    REQUIRE_OK((*database)->Put(put, kState, kStateNextGeneration, "1"));
    REQUIRE_OK((*database)->Put(put, kState, kStateNextSlot, "0"));
    REQUIRE_OK((*database)->Write(put));
  }
  CHECK(store.Read()->NextGeneration() == 4U);
  CHECK(store.Write()->TakeSlot() == uint16_t{8});
}

TEST_CASE("the number of a generation that was deleted is not used again") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 9));
  {
    const auto database = Database::OpenForWriting(store.path(), std::chrono::seconds(0), {});
    REQUIRE_OK(database);
    rocksdb::WriteBatch remove;
    REQUIRE_OK((*database)->Delete(remove, kGenerations, NumberKey(9)));
    REQUIRE_OK((*database)->Write(remove));
  }
  CHECK(store.Read()->Generations()->empty());
  CHECK(store.Read()->NextGeneration() == 10U);
}

void CheckBothFail(ErrorCode code, const std::string& path, const std::string& words) {
  const auto reading = Catalog::OpenForReading(path);
  const auto writing = Catalog::OpenForWriting(path, std::chrono::seconds(0));
  REQUIRE_FAILS(code, reading);
  REQUIRE_FAILS(code, writing);
  for (const auto* result : {&reading, &writing}) {
    INFO(result->error().message());
    CHECK(result->error().message().find(path) != std::string::npos);
    CHECK(result->error().message().find(words) != std::string::npos);
    CHECK(result->error().message().find('\n') == std::string::npos);
  }
}

TEST_CASE("a catalog that is not there is told, and not made") {
  const NewCatalog store;
  std::filesystem::remove_all(store.path());
  CheckBothFail(ErrorCode::kNotFound, store.path(), "veneer repair-catalog");
  CHECK_FALSE(std::filesystem::exists(store.path()));
  std::filesystem::create_directory(store.path());
  CheckBothFail(ErrorCode::kDamaged, store.path(), "veneer repair-catalog");
  CHECK(std::filesystem::is_empty(store.path()));
}

// The only file in the catalog whose name begins and ends so.
std::string FileLike(const NewCatalog& store, const std::string& begin, const std::string& end) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(store.path())) {
    const std::string name = file.path().filename();
    if (name.starts_with(begin) && name.ends_with(end)) found = file.path();
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

void Overwrite(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

TEST_CASE("damaged files of RocksDB are told") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  const std::string hint = "veneer repair-catalog";
  SECTION("CURRENT empty") {
    Overwrite(store.path() + "/CURRENT", "");
  }
  SECTION("CURRENT beyond the folder") {
    Overwrite(store.path() + "/CURRENT", "../../etc/passwd\n");
  }
  SECTION("CURRENT naming nothing") {
    Overwrite(store.path() + "/CURRENT", "MANIFEST-999999\n");
  }
  SECTION("CURRENT long") {
    Overwrite(store.path() + "/CURRENT", std::string(10000, 'a'));
  }
  SECTION("MANIFEST gone") {
    std::filesystem::remove(FileLike(store, "MANIFEST-", ""));
  }
  SECTION("MANIFEST empty") {
    Overwrite(FileLike(store, "MANIFEST-", ""), "");
  }
  SECTION("MANIFEST foreign") {
    Overwrite(FileLike(store, "MANIFEST-", ""), std::string(5000, 'x'));
  }
  SECTION("a table gone") {
    std::filesystem::remove(FileLike(store, "", ".sst"));
  }
  SECTION("a table short") {
    Overwrite(FileLike(store, "", ".sst"), "x");
  }
  CheckBothFail(ErrorCode::kDamaged, store.path(), hint);
}

TEST_CASE("what is no regular file in the catalog's folder is told, and nobody waits for it") {
  const test::Watchdog watchdog;
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  const std::string kind = GENERATE(as<std::string>{}, "fifo", "symlink", "folder");
  const std::string name =
      GENERATE(as<std::string>{}, "CURRENT", "MANIFEST-", ".sst", ".log", "OPTIONS-", "LOCK", "new");
  INFO(kind << " as " << name);
  std::string path = store.path() + "/999999.sst";
  if (name != "new") {
    path = name.starts_with('.') ? FileLike(store, "", name) : FileLike(store, name, "");
    std::filesystem::rename(path, store.folder() + "/was");
  }
  if (kind == "fifo") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  if (kind == "symlink") REQUIRE(::symlink((store.folder() + "/was").c_str(), path.c_str()) == 0);
  if (kind == "folder") std::filesystem::create_directory(path);
  CheckBothFail(ErrorCode::kDamaged, store.path(), "veneer repair-catalog");
  REQUIRE_FAILS(ErrorCode::kDamaged, Database::OpenForReading(store.path(), Logs::kUpToDamage));
}

TEST_CASE("a catalog that is no folder is told") {
  const test::Watchdog watchdog;
  const NewCatalog store;
  std::filesystem::remove_all(store.path());
  REQUIRE(::mkfifo(store.path().c_str(), 0600) == 0);
  CheckBothFail(ErrorCode::kDamaged, store.path(), "veneer repair-catalog");
}

// Nothing names a log before tables made of it do, and a power cut may take the name of a new one: what is
// left is an earlier state that is whole, and no damage that could be told (docs/durability.md).
TEST_CASE("a catalog whose log was removed opens at the state of its tables") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 100));
  Child child("child: commits five times and then much at once and waits", store.path());
  REQUIRE(child.ReadLine() == "five");
  child.Kill();
  CHECK(store.Read()->ReadState()->current == 5);
  for (const auto& file : std::filesystem::directory_iterator(store.path())) {
    if (file.path().extension() == ".log") std::filesystem::remove(file.path());
  }
  CHECK(store.Read()->ReadState()->current == 100);
  CHECK(store.Read()->Generations()->size() == 1);
  REQUIRE_OK(CommitGeneration(*store.Write(), 101));
  CHECK(store.Read()->ReadState()->current == 101);
}

TEST_CASE("a flipped bit in a table is told") {
  const NewCatalog store;
  REQUIRE_OK(CommitGeneration(*store.Write(), 1));
  for (const auto& file : std::filesystem::directory_iterator(store.path())) {
    if (file.path().extension() != ".sst") continue;
    std::fstream table(file.path(), std::ios::binary | std::ios::in | std::ios::out);
    table.seekp(20);  // within its first block
    table.put('\xee');
  }
  const auto catalog = Catalog::OpenForReading(store.path());
  REQUIRE_OK(catalog);
  const auto generations = (*catalog)->Generations();
  REQUIRE_FAILS(ErrorCode::kDamaged, generations);
  CHECK(generations.error().message().find("veneer repair-catalog") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kDamaged, (*catalog)->ReadState());
  REQUIRE_FAILS(ErrorCode::kDamaged, (*catalog)->Generation(1));
}

// The catalog through RocksDB alone, with whatever families it has.
std::unique_ptr<rocksdb::DB> OpenRaw(const std::string& path,
                                     std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open({}, path, families, &handles, &db).ok());
  return std::unique_ptr<rocksdb::DB>(db);
}

TEST_CASE("another family is a newer program's, a missing one is damage") {
  const NewCatalog store;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  auto db = OpenRaw(store.path(), handles);
  rocksdb::ColumnFamilyHandle* extra = nullptr;
  REQUIRE(db->CreateColumnFamily({}, "weather", &extra).ok());
  handles.push_back(extra);
  SECTION("another") {
    for (auto* handle : handles) REQUIRE(db->DestroyColumnFamilyHandle(handle).ok());
    db.reset();
    REQUIRE_OK(Catalog::OpenForReading(store.path()));
    REQUIRE_FAILS(ErrorCode::kUnsupported, Catalog::OpenForWriting(store.path(), std::chrono::seconds(0)));
  }
  SECTION("missing") {
    REQUIRE(db->DropColumnFamily(extra).ok());
    REQUIRE(db->DropColumnFamily(handles.at(3)).ok());
    for (auto* handle : handles) REQUIRE(db->DestroyColumnFamilyHandle(handle).ok());
    db.reset();
    CheckBothFail(ErrorCode::kDamaged, store.path(), "veneer repair-catalog");
  }
}

TEST_CASE("who may not read the catalog is told so") {
  if (::geteuid() != 0) return;
  const NewCatalog store;
  std::filesystem::permissions(store.folder(), std::filesystem::perms(0755));
  constexpr uid_t kNobody = 65534;
  REQUIRE(::seteuid(kNobody) == 0);
  const auto readable = Catalog::OpenForReading(store.path());
  const auto writable = Catalog::OpenForWriting(store.path(), std::chrono::seconds(0));
  REQUIRE(::seteuid(0) == 0);
  std::filesystem::permissions(store.path(), std::filesystem::perms(0700));
  REQUIRE(::seteuid(kNobody) == 0);
  const auto closed = Catalog::OpenForReading(store.path());
  REQUIRE(::seteuid(0) == 0);
  REQUIRE_OK(readable);
  REQUIRE_FAILS(ErrorCode::kIo, writable);
  REQUIRE_FAILS(ErrorCode::kIo, closed);
  CHECK(writable.error().message().find("Permission denied") != std::string::npos);
  CHECK(closed.error().message().find("Permission denied") != std::string::npos);
}

}  // namespace
}  // namespace veneer::catalog::testing
