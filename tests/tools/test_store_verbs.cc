// init, list and history.
#include <filesystem>

#include "fs/catalog/store.h"
#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

catalog::LayerRecord Record(const std::string& id, uint16_t slot, const std::string& what) {
  const std::string manifest = R"({"schema": 1, "name": "a name", "root_hash": ")" + std::string(64, '0') +
                               R"(", "hash_algorithm": "sha256", "image_size": 4096, "tree_offset": 4096,
                               "tree_size": 4096, "created": "2026-01-31T12:00:00Z", )" +
                               what + "}";
  return {
      .id = id, .slot = slot, .file_name = id + ".layer", .manifest = manifest, .installed_at = 1700000000};
}

// A store with a base and two patches, the base and the first patch current.
std::string FilledStore(const Workshop& workshop) {
  const std::string path = workshop / "store";
  REQUIRE_OK(catalog::Store::Init(path, workshop.trust()));
  const auto store = catalog::Store::Open(path);
  REQUIRE_OK(store);
  const auto catalog = store->OpenCatalogForWriting(std::chrono::milliseconds(0));
  REQUIRE_OK(catalog);
  const std::string patch =
      R"("kind": "patch", "component": "lib", "applies_to": {"id": "test", "versions": ["1"], "models": []},
      "requires": [], "advisories": [], "restart": [], )";
  catalog::Update update;
  update.PutLayer(Record(std::string(64, 'a'), 1,
                         R"("kind": "base", "os": {"id": "test", "version": "1", "models": []})"));
  update.PutLayer(Record(std::string(64, 'b'), 2, patch + R"("sequence": 2)"));
  update.PutLayer(Record(std::string(64, 'c'), 3, patch + R"("sequence": 27)"));
  const std::vector<std::string> stack = {std::string(64, 'a'), std::string(64, 'b')};
  update.PutGeneration({.number = 1,
                        .layers = stack,
                        .effective_root = catalog::EffectiveRoot(stack),
                        .reason = "activate",
                        .time = 1700000001});
  update.SetCurrent(1);
  for (int64_t i = 0; i < 60; ++i) {
    update.AddEvent({.number = 0,
                     .time = 1700000000 + i,
                     .kind = "install",
                     .generation = 1,
                     .by = "root",
                     .text = "layer " + std::to_string(i)});
  }
  REQUIRE_OK((*catalog)->Commit(std::move(update)));
  return path;
}

TEST_CASE("init makes a store, once") {
  const Workshop workshop;
  const std::string store = workshop / "store";
  const auto json = VeneerJson({"--store", store, "init", "--trust", workshop.trust()});
  CHECK(json.at("store") == store);
  CHECK(json.at("trust") == store + "/trust");
  CHECK(stdfs::exists(store + "/trust/base.d/ca.pem"));
  RequireError(Veneer({"--store", store, "init", "--trust", workshop.trust()}), 1, "init", {store});
}

TEST_CASE("init takes the global --trust too, and needs one") {
  const Workshop workshop;
  RequireError(Veneer({"--store", workshop / "store", "init"}), 2, "init", {" init --trust DIR"});
  CHECK_FALSE(stdfs::exists(workshop / "store"));
  CHECK(Veneer({"--store", workshop / "store", "--trust", workshop.trust(), "init"}).status == 0);
}

TEST_CASE("init changes nothing when it cannot go on") {
  const Workshop workshop;
  const std::string store = workshop / "store";
  RequireError(Veneer({"--store", store, "init", "--trust", workshop / "none"}), 1, "init",
               {workshop / "none"});
  CHECK_FALSE(stdfs::exists(store));
  RequireError(Veneer({"--store", workshop.tree(), "init", "--trust", workshop.trust()}), 1, "init",
               {workshop.tree()});
  workshop.Write("file", "content");
  RequireError(Veneer({"--store", workshop / "file", "init", "--trust", workshop.trust()}), 1, "init",
               {workshop / "file"});
  CHECK(workshop.Read(workshop / "file") == "content");
}

TEST_CASE("a store that is not there is named, with the command that makes one") {
  const Workshop workshop;
  for (const char* verb : {"list", "history"}) {
    RequireError(Veneer({"--store", workshop / "none", verb}), 1, verb, {workshop / "none", "run: veneer"});
    RequireError(Veneer({"--store", workshop.tree(), verb}), 1, verb, {workshop.tree()});
    CHECK(VeneerJson({"--store", workshop / "none", verb}, 1).at("error").at("code") == "not-found");
  }
}

TEST_CASE("an empty store lists nothing") {
  const Workshop workshop;
  const std::string store = workshop / "store";
  REQUIRE(Veneer({"--store", store, "init", "--trust", workshop.trust()}).status == 0);
  CHECK(VeneerJson({"--store", store, "list"}).at("layers").empty());
  CHECK(VeneerJson({"--store", store, "history"}).at("events").is_array());
  CHECK(Veneer({"--store", store, "list"}).out.find("no layer is installed") != std::string::npos);
  CHECK(Veneer({"--store", store, "--quiet", "list"}).out == "");
}

TEST_CASE("list shows each layer and which are active") {
  const Workshop workshop;
  const std::string store = FilledStore(workshop);
  const auto layers = VeneerJson({"--store", store, "list"}).at("layers");
  REQUIRE(layers.size() == 3);
  CHECK(layers[0].at("id") == std::string(64, 'a'));
  CHECK(layers[0].at("kind") == "base");
  CHECK(layers[0].at("active") == true);
  CHECK(layers[0].at("slot") == 1);
  CHECK(layers[0].at("installed") == "2023-11-14T22:13:20Z");
  CHECK_FALSE(layers[0].contains("component"));
  CHECK(layers[1].at("component") == "lib");
  CHECK(layers[1].at("sequence") == 2);
  CHECK(layers[1].at("letter") == "b");
  CHECK(layers[1].at("active") == true);
  CHECK(layers[2].at("letter") == "aa");
  CHECK(layers[2].at("active") == false);

  const CommandResult words = Veneer({"--store", store, "list"});
  CHECK(words.status == 0);
  CHECK(words.out.find(std::string(64, 'a') + "  active base") == 0);
  CHECK(std::count(words.out.begin(), words.out.end(), '\n') == 3);
}

TEST_CASE("history shows the newest events first, as many as are wanted") {
  const Workshop workshop;
  const std::string store = FilledStore(workshop);
  const auto count = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"--store", store, "history"};
    all.insert(all.end(), words.begin(), words.end());
    return VeneerJson(all).at("events").size();
  };
  CHECK(count({}) == 50);
  CHECK(count({"--limit", "2"}) == 2);
  CHECK(count({"--limit", "0"}) == 60);
  const auto event = VeneerJson({"--store", store, "history"}).at("events")[0];
  CHECK(event.at("text") == "layer 59");
  CHECK(event.at("kind") == "install");
  CHECK(event.at("generation") == 1);
  CHECK(event.at("by") == "root");
  CHECK(event.at("time") == "2023-11-14T22:14:19Z");
  CHECK(event.at("number").get<uint64_t>() > 0);
  CHECK(Veneer({"--store", store, "history", "--limit", "1"}).out.find("layer 59") != std::string::npos);
}

}  // namespace
}  // namespace veneer::test
