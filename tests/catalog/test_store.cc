#include "fs/catalog/store.h"

#include <filesystem>

#include "tests/catalog/samples.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

namespace filesystem = std::filesystem;

// A store that trusts nobody.
struct BareStore {
  BareStore() {
    filesystem::create_directory(scratch / "trust");
    REQUIRE_OK(Store::Init(path, scratch / "trust"));
  }
  std::string marker() const { return path + "/veneer-store.json"; }

  test::Scratch scratch;
  std::string path = scratch / "store";
};

TEST_CASE("a store is one store by whatever path") {
  const BareStore bare;
  filesystem::create_directory_symlink("store", bare.scratch / "link");
  const auto direct = Store::Open(bare.path);
  const auto linked = Store::Open(bare.scratch / "link/../link/");
  REQUIRE_OK(direct);
  REQUIRE_OK(linked);
  CHECK(linked->path() == filesystem::canonical(bare.path));
  CHECK(linked->identity() == direct->identity());
  CHECK(linked->catalog_path() == linked->path() + "/catalog");
  CHECK(linked->LayerPath("a.layer") == linked->path() + "/layers/a.layer");
  const BareStore other;
  CHECK(Store::Open(other.path)->identity() != direct->identity());
}

TEST_CASE("what is not a store is told, with what makes one") {
  const test::Scratch scratch;
  test::WriteFile(scratch / "file", "x");
  REQUIRE_FAILS(ErrorCode::kNotFound, Store::Open(scratch / "file"));
  for (const std::string& path : {scratch / "nothing", scratch.path()}) {
    const auto store = Store::Open(path);
    REQUIRE_FAILS(ErrorCode::kNotFound, store);
    CHECK(store.error().message().find(path) == 0);
    CHECK(store.error().message().find("veneer init") != std::string::npos);
  }
}

TEST_CASE("a store of a newer program is refused") {
  const BareStore bare;
  test::WriteFile(bare.marker(), R"({"schema": 2, "new": true})");
  REQUIRE_FAILS(ErrorCode::kUnsupported, Store::Open(bare.path));
}

TEST_CASE("a damaged marker is told") {
  const BareStore bare;
  for (const std::string& text :
       {std::string(), std::string("1"), std::string("{}"), std::string(R"({"schema": "1"})"),
        std::string(R"({"schema": 1)"), std::string(R"({"schema": -1})"), std::string(5000, ' ')}) {
    INFO(text);
    test::WriteFile(bare.marker(), text);
    const auto store = Store::Open(bare.path);
    REQUIRE_FAILS(ErrorCode::kDamaged, store);
    CHECK(store.error().message().find(bare.path) != std::string::npos);
  }
}

TEST_CASE("trust is read anew each time, and from elsewhere if so asked") {
  const BareStore bare;
  const auto store = Store::Open(bare.path);
  REQUIRE_OK(store);
  CHECK((*store->LoadTrust())->policy().model.empty());
  test::WriteFile(bare.path + "/trust/policy.json", R"({"schema": 1, "model": "kiosk"})");
  CHECK((*store->LoadTrust())->policy().model == "kiosk");
  filesystem::create_directory(bare.scratch / "other");
  test::WriteFile(bare.scratch / "other/policy.json", R"({"schema": 1, "model": "laptop"})");
  const auto other = Store::Open(bare.path, bare.scratch / "other");
  REQUIRE_OK(other);
  CHECK((*other->LoadTrust())->policy().model == "laptop");
  const auto none = Store::Open(bare.path, bare.scratch / "nothing");
  REQUIRE_OK(none);
  REQUIRE_FAILS(ErrorCode::kNotFound, none->LoadTrust());
}

TEST_CASE("a store without its catalog says so") {
  const BareStore bare;
  const auto store = Store::Open(bare.path);
  REQUIRE_OK(store);
  filesystem::remove_all(bare.path + "/catalog");
  const auto reading = store->OpenCatalogForReading();
  REQUIRE_FAILS(ErrorCode::kNotFound, reading);
  CHECK(reading.error().message().find("veneer repair-catalog") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kNotFound, store->OpenCatalogForWriting(std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace veneer::catalog::testing
