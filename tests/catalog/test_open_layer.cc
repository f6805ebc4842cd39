#include <filesystem>

#include "fs/catalog/codec.h"
#include "fs/catalog/database.h"
#include "fs/catalog/store.h"
#include "tests/catalog/samples.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

namespace filesystem = std::filesystem;

// A store with a base and a patch, installed by hand.
class FilledStore {
 public:
  FilledStore() {
    const std::string path = fixture_.At("store");
    test::MakeSmallTree(fixture_.At("tree"));
    REQUIRE_OK(Store::Init(path, fixture_.trust().path()));
    store_.emplace(std::move(*Store::Open(path)));
    Add(fixture_.SealBase(fixture_.At("tree"), fixture_.At("base")), fixture_.At("base"));
    Add(fixture_.SealPatch(fixture_.At("tree"), fixture_.At("patch")), fixture_.At("patch"));
  }

  const Store& store() const { return *store_; }
  const LayerRecord& base() const { return layers_.at(0); }
  const LayerRecord& patch() const { return layers_.at(1); }
  std::string PathOf(const LayerRecord& layer) const { return store_->LayerPath(layer.file_name); }
  const crypto::TrustStore& trust() const { return fixture_.trust(); }

  Result<std::shared_ptr<const layer::Layer>> Open(const LayerRecord& record) const {
    return store_->OpenLayer(record, trust(), std::make_shared<verity::BlockCache>(1 << 20));
  }
  Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenStack(
      const std::vector<std::string>& ids) const {
    const auto catalog = store_->OpenCatalogForReading();
    REQUIRE_OK(catalog);
    return store_->OpenStack(**catalog, ids, trust(), std::make_shared<verity::BlockCache>(1 << 20));
  }

 private:
  void Add(const Result<layer::SealResult>& sealed, const std::string& file) {
    REQUIRE_OK(sealed);
    const auto catalog = store_->OpenCatalogForWriting(std::chrono::milliseconds(0));
    REQUIRE_OK(catalog);
    LayerRecord layer{sealed->layer_id, (*catalog)->TakeSlot().value(), sealed->layer_id + ".layer", "{}", 0};
    filesystem::copy_file(file, PathOf(layer));
    layers_.push_back(layer);
    Update update;
    update.PutLayer(layer);
    REQUIRE_OK((*catalog)->Commit(std::move(update)));
  }

  test::LayerFixture fixture_;
  std::optional<Store> store_;
  std::vector<LayerRecord> layers_;
};

// kDamaged, with the path and what mends it in one line.
template <typename T>
void CheckDamaged(const Result<T>& result, const std::string& path, const std::string& mending) {
  REQUIRE_FAILS(ErrorCode::kDamaged, result);
  const std::string& message = result.error().message();
  INFO(message);
  CHECK(message.find(path) != std::string::npos);
  CHECK(message.find(mending) != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
}

TEST_CASE("installed layers are opened, alone and as a stack") {
  const FilledStore filled;
  const auto base = filled.Open(filled.base());
  REQUIRE_OK(base);
  CHECK((*base)->id() == filled.base().id);
  CHECK((*base)->slot() == 1);
  const auto stack = filled.OpenStack({filled.base().id, filled.patch().id});
  REQUIRE_OK(stack);
  REQUIRE(stack->size() == 2);
  CHECK(stack->at(0)->manifest().kind == format::LayerKind::kBase);
  CHECK(stack->at(1)->manifest().kind == format::LayerKind::kPatch);
  CHECK(stack->at(1)->slot() == 2);
}

TEST_CASE("an installed layer whose file is not what it was is damaged") {
  const FilledStore filled;
  const std::string path = filled.PathOf(filled.base());
  SECTION("gone") {
    filesystem::remove(path);
  }
  SECTION("empty") {
    test::WriteFile(path, "");
  }
  SECTION("cut short") {
    filesystem::resize_file(path, filesystem::file_size(path) - 1);
  }
  SECTION("a folder") {
    filesystem::remove(path);
    filesystem::create_directory(path);
  }
  SECTION("a link") {
    filesystem::rename(path, path + ".moved");
    filesystem::create_symlink(path + ".moved", path);
  }
  CheckDamaged(filled.Open(filled.base()), path, "veneer install FILE");
  CheckDamaged(filled.OpenStack({filled.base().id, filled.patch().id}), path, "veneer install FILE");
}

TEST_CASE("a good layer in another's place is damage") {
  const FilledStore filled;
  const std::string path = filled.PathOf(filled.base());
  filesystem::copy_file(filled.PathOf(filled.patch()), path, filesystem::copy_options::overwrite_existing);
  CheckDamaged(filled.Open(filled.base()), path, "veneer repair-catalog");
}

TEST_CASE("a layer beyond the folder is not opened") {
  const FilledStore filled;
  LayerRecord record = filled.base();
  record.file_name = "../layers/" + record.file_name;
  CheckDamaged(filled.Open(record), filled.store().catalog_path(), "veneer repair-catalog");
}

TEST_CASE("a layer that is not trusted any more is refused as such") {
  const FilledStore filled;
  const test::Scratch scratch;
  const auto nobody = crypto::TrustStore::Load(scratch.path());
  REQUIRE_OK(nobody);
  REQUIRE_FAILS(
      ErrorCode::kUntrusted,
      filled.store().OpenLayer(filled.base(), **nobody, std::make_shared<verity::BlockCache>(1 << 20)));
}

TEST_CASE("a stack with a layer that the catalog does not know is damage") {
  const FilledStore filled;
  CheckDamaged(filled.OpenStack({filled.base().id, SampleId(5)}), filled.store().catalog_path(),
               "veneer repair-catalog");
}

TEST_CASE("a stack whose layers share a slot is damage") {
  const FilledStore filled;
  {
    LayerRecord patch = filled.patch();
    patch.slot = filled.base().slot;
    const auto entry = EncodeLayer(patch);
    const auto database =
        Database::OpenForWriting(filled.store().catalog_path(), std::chrono::milliseconds(0), {});
    REQUIRE_OK(database);
    rocksdb::WriteBatch put;
    REQUIRE_OK((*database)->Put(put, kLayers, entry->key, entry->value));
    REQUIRE_OK((*database)->Write(put));
  }
  CheckDamaged(filled.OpenStack({filled.base().id, filled.patch().id}), filled.store().catalog_path(),
               "veneer repair-catalog");
}

}  // namespace
}  // namespace veneer::catalog::testing
