// What is lost or damaged in a store, and the verbs that mend it.
#include <filesystem>
#include <fstream>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A store with a base that is current.
class SmallStore {
 public:
  SmallStore() {
    const std::string base = shop_.Sealed();
    Run({"init", "--trust", shop_.trust()});
    id_ = Json({"install", base, "--activate"}).at("installed")[0].at("id");
  }

  std::vector<std::string> Words(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", shop_ / "store"});
    return words;
  }
  void Run(const std::vector<std::string>& words) const { CHECK(Veneer(Words(words)).status == 0); }
  nlohmann::json Json(const std::vector<std::string>& words) const { return VeneerJson(Words(words)); }
  std::string Layer() const { return shop_ / ("store/layers/" + id_ + ".layer"); }

  Workshop shop_;
  std::string id_;
};

void FlipByte(const std::string& path, std::streamoff offset) {
  stdfs::permissions(path, stdfs::perms::owner_write, stdfs::perm_options::add);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 1));
  REQUIRE(file.good());
}

TEST_CASE("a catalog that is gone is made again from the signed layers") {
  const SmallStore store;
  const std::string root = store.Json({"status"}).at("effective_root");
  stdfs::remove_all(store.shop_ / "store/catalog");
  RequireError(Veneer(store.Words({"status"})), 1, "status", {" repair-catalog"});
  // A file that nobody signed is passed over, and said to be.
  store.shop_.Write("store/layers/stranger.layer", "no layer");
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("layers") == nlohmann::json::array({store.id_}));
  CHECK(json.at("passed_over").size() == 1);
  CHECK(json.at("stack_kept") == false);
  CHECK(store.Json({"status"}).at("effective_root") == root);
  CHECK(store.Json({"scan"}).at("findings").empty());
}

TEST_CASE("a catalog that can be read keeps its stack when it is made again") {
  const SmallStore store;
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("stack_kept") == true);
  CHECK(stdfs::is_directory(std::string(json.at("old_catalog"))));
  CHECK(store.Json({"status"}).at("layers")[0].at("id") == store.id_);
}

TEST_CASE("a damaged layer is found by scan, and installing it again puts a good one in its place") {
  const SmallStore store;
  const auto good = store.Json({"install", store.shop_ / "base.layer"});
  CHECK(good.at("installed")[0].at("already") == true);
  CHECK(good.at("installed")[0].at("repaired") == false);
  FlipByte(store.Layer(), 5000);
  CHECK(Veneer(store.Words({"scan"})).status == 3);
  const auto repaired = store.Json({"install", store.shop_ / "base.layer"});
  CHECK(repaired.at("installed")[0].at("repaired") == true);
  CHECK(store.Json({"scan"}).at("findings").empty());

  stdfs::remove(store.Layer());
  CHECK(Veneer(store.Words({"status"})).status == 3);
  CHECK(store.Json({"install", store.shop_ / "base.layer"}).at("installed")[0].at("repaired") == true);
  store.Run({"status"});
}

}  // namespace
}  // namespace veneer::test
