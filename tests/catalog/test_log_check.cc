// Damage to RocksDB's log, which has what a writer committed that was killed before it could close.
#include "fs/catalog/log_check.h"

#include <filesystem>

#include "fs/catalog/remains.h"
#include "fs/io/file_ops.h"
#include "tests/catalog/child.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"
#include "tests/support/watchdog.h"

namespace veneer::catalog::testing {
namespace {

namespace stdfs = std::filesystem;

constexpr uint64_t kSmallCommits = 5;

TEST_CASE("child: commits five times and then much at once and waits", "[.child]") {
  const ChildSide side;
  const auto catalog = Catalog::OpenForWriting(side.path(), std::chrono::seconds(10));
  REQUIRE_OK(catalog);
  for (uint64_t i = 1; i <= kSmallCommits; ++i) REQUIRE_OK(CommitGeneration(**catalog, i));
  side.WriteLine("five");
  side.Wait();
  std::vector<std::string> layers;
  for (unsigned i = 0; i < 2000; ++i) layers.push_back(SampleId(i));  // several of RocksDB's log blocks
  Update update;
  update.PutGeneration(SampleGeneration(kSmallCommits + 1, std::move(layers)));
  update.SetCurrent(kSmallCommits + 1);
  REQUIRE_OK((*catalog)->Commit(std::move(update)));
  side.WriteLine("six");
  side.Wait();
}

// A catalog whose commits are in its log and nowhere else.
class CatalogInLog {
 public:
  explicit CatalogInLog(bool with_big_commit = false) {
    Child child("child: commits five times and then much at once and waits", store_.path());
    REQUIRE(child.ReadLine() == "five");
    if (with_big_commit) {
      child.Go();
      REQUIRE(child.ReadLine() == "six");
    }
    child.Kill();
    for (const auto& entry : stdfs::directory_iterator(store_.path())) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) path_ = entry.path();
    }
    const auto log = io::ReadWholeFile(path_, 1 << 20);
    REQUIRE_OK(log);
    log_ = *log;
  }
  const Bytes& log() const { return log_; }

  void Put(const Bytes& log) const { REQUIRE_OK(io::WriteFileAtomically(path_, log)); }

  const std::string& path() const { return path_; }

  void RequireDamaged(const Bytes& log) const {
    Put(log);
    RequireDamaged();
  }
  void RequireDamaged() const {
    RequireTold(Catalog::OpenForReading(store_.path()));
    RequireTold(Catalog::OpenForWriting(store_.path(), std::chrono::seconds(0)));
  }
  Result<Remains> Salvage() const { return ReadRemains(store_.path()); }
  // How many commits there are, all from the first.
  uint64_t Commits(const Bytes& log) const {
    Put(log);
    const auto catalog = store_.Read();
    const uint64_t current = catalog->ReadState()->current;
    CHECK(catalog->Generations()->size() == current);
    return current;
  }
  void RequireWritable() const {
    const uint64_t next = *store_.Read()->NextGeneration();
    REQUIRE_OK(CommitGeneration(*store_.Write(), next));
    CHECK(store_.Read()->ReadState()->current == next);
  }

 private:
  void RequireTold(const Result<std::unique_ptr<Catalog>>& opened) const {
    REQUIRE_FAILS(ErrorCode::kDamaged, opened);
    CHECK(opened.error().message().starts_with(path_));
    CHECK(opened.error().message().ends_with("; run: veneer repair-catalog"));
  }

  NewCatalog store_;
  std::string path_;
  Bytes log_;
};

Bytes Flipped(Bytes log, size_t at) {
  log.at(at) ^= 1;
  return log;
}

TEST_CASE("a flipped bit in a commit before the last one is told, wherever it is") {
  const CatalogInLog catalog;
  REQUIRE(catalog.Commits(catalog.log()) == kSmallCommits);
  const size_t earlier = catalog.log().size() / kSmallCommits * (kSmallCommits - 1) - 20;
  for (size_t at = 0; at < earlier; at += at < 40 ? 1 : 17) {
    INFO("byte " << at);
    catalog.RequireDamaged(Flipped(catalog.log(), at));
  }
}

TEST_CASE("a log that a power cut left short or torn has its earlier commits") {
  const CatalogInLog catalog;
  const Bytes& log = catalog.log();
  uint64_t before = 0;
  for (size_t size = 0; size <= log.size(); size += 13) {
    INFO("the first " << size << " bytes");
    const uint64_t commits = catalog.Commits(Bytes(log.begin(), log.begin() + static_cast<ptrdiff_t>(size)));
    CHECK((commits == before || commits == before + 1));
    before = commits;
  }
  CHECK(before >= kSmallCommits - 1);
  for (const int filler : {0x00, 0xff, 0x78}) {
    Bytes torn = log;
    torn.insert(torn.end(), 5000, static_cast<uint8_t>(filler));
    CHECK(catalog.Commits(torn) == kSmallCommits);
  }
  CHECK(catalog.Commits(Flipped(log, log.size() - 20)) == kSmallCommits - 1);
  catalog.RequireWritable();
}

TEST_CASE("a log that none of ours can be is told at once, however large") {
  const test::Watchdog watchdog;
  const CatalogInLog catalog;
  SECTION("a sparse one of 1 TiB") {
    catalog.Put(catalog.log());
    stdfs::resize_file(catalog.path(), uint64_t{1} << 40);
  }
  SECTION("one full of what nearly are records") {
    Bytes log = catalog.log();
    while (log.size() < size_t{8} << 20) log.insert(log.end(), {0x00, 0x10, 0x01});
    catalog.Put(log);
  }
  catalog.RequireDamaged();
}

TEST_CASE("the earlier commits of a log that is damaged inside can be had") {
  const CatalogInLog catalog;
  catalog.RequireDamaged(Flipped(catalog.log(), catalog.log().size() / kSmallCommits * 2 + 60));
  const auto salvaged = catalog.Salvage();
  REQUIRE_OK(salvaged);
  CHECK(salvaged->state.current == 2);
  CHECK(salvaged->older);
  CHECK(salvaged->lost.empty());
}

TEST_CASE("a last commit that is torn in its middle did not happen; damage before it is told") {
  const CatalogInLog catalog(true);
  const Bytes& log = catalog.log();
  REQUIRE(log.size() > size_t{3} * 32768);
  CHECK(catalog.Commits(log) == kSmallCommits + 1);
  // In its first part, one in the middle, and its last.
  for (const size_t at : {size_t{20000}, size_t{40000}, log.size() - 20}) {
    INFO("byte " << at);
    CHECK(catalog.Commits(Flipped(log, at)) == kSmallCommits);
  }
  catalog.RequireDamaged(Flipped(log, 60));
  catalog.Put(Flipped(log, 40000));
  catalog.RequireWritable();
}

}  // namespace
}  // namespace veneer::catalog::testing
