// What is lost or damaged in a store, and the verbs that mend it.
#include <filesystem>
#include <fstream>
#include <map>

#include "fs/catalog/catalog.h"
#include "tests/support/catalog_table.h"
#include "tests/tools/policy_store.h"

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
  RequireErrorLine(Veneer(store.Words({"status"})), 1, "status", {" repair-catalog"});
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

// A base with lib (b) over it, and net (a), which its owner reverted: that is generation 3.
class RevertedStore : public PolicyStore {
 public:
  RevertedStore() {
    first_file = Patch("a", "lib", 1);
    second = Install(Patch("b", "lib", 2));
    net_file = Patch("n", "net", 1);
    net = Install(net_file);
    Json({"activate"});
    Json({"revert", "net"});
    stack = {base, second};
    REQUIRE(Current() == stack);
  }
  std::string catalog() const { return path() + "/catalog"; }
  std::string Layer(const std::string& id) const { return path() + "/layers/" + id + ".layer"; }
  // What no layer at hand says: the marks of a component whose layers are gone.
  void ForgetLayersOfLib() {
    Json({"revert", "--all"});
    Json({"gc", "--keep", "0"});
    stdfs::remove(Layer(second));
    stack = {base};
  }
  void RequireAsItWas() const {
    CHECK(Current() == stack);
    RequireRefusal({"install", first_file}, "downgrade");
  }

  std::string first_file, second, net_file, net;
  std::vector<std::string> stack;
};

std::string CodeOf(const nlohmann::json& errors, size_t at) {
  return errors.at(at).at("code");
}

TEST_CASE("damage of the history costs neither the marks nor the owner's revert") {
  RevertedStore store;
  const bool forgotten = GENERATE(false, true);
  if (forgotten) store.ForgetLayersOfLib();
  std::ofstream(TableOf(store.catalog(), catalog::kEvents), std::ios::trunc) << "damaged";
  CHECK(store.Run({"status"}).status == 3);
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("stack_kept") == true);
  CHECK(json.at("stack_may_be_older") == false);
  CHECK(json.at("lost").empty());
  CHECK(json.at("marks").at("highest_sequence").at("lib") == 2);
  store.RequireAsItWas();
}

TEST_CASE("marks that cannot be read are told as lost, and the newest generation still tells the stack") {
  const RevertedStore store;
  std::ofstream(TableOf(store.catalog(), catalog::kState), std::ios::trunc) << "damaged";
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("stack_kept") == true);
  CHECK(json.at("stack_may_be_older") == true);
  CHECK(CodeOf(json.at("lost"), 0) == "damaged");
  CHECK(store.Current() == store.stack);
}

// Each number of files that is too low makes another one unreadable: of the catalog, of a layer, of trust.
TEST_CASE("what cannot be read for now ends the making of a catalog, and nothing is lost by it") {
  RevertedStore store;
  int failed = 0;
  bool done = false;
  for (int limit = 4; limit < 64 && !done; ++limit) {
    const CommandResult result = RunCommand({"prlimit", "--nofile=" + std::to_string(limit), VENEER_PROGRAM,
                                             "--store", store.path(), "--json", "repair-catalog"});
    INFO(limit << " files: " << result.out << result.err);
    done = result.status == 0;
    if (result.status == 127) continue;  // too few for the libraries: it did not begin
    if (!done) {
      ++failed;
      CHECK(result.status == 1);
      CHECK_FALSE(stdfs::exists(store.path() + "/catalog.new"));
      continue;
    }
    const auto json = nlohmann::json::parse(result.out);
    CHECK(json.at("layers").size() == 3);
    CHECK(json.at("stack_kept") == true);
    CHECK(json.at("lost").empty());
  }
  CHECK(done);
  CHECK(failed > 1);
  store.RequireAsItWas();
}

TEST_CASE("a layer of the current stack that is passed over is an error, and gc leaves its file alone") {
  const RevertedStore store;
  const std::string file = store.Layer(store.second);
  SECTION("damaged") {
    FlipByte(file, static_cast<std::streamoff>(stdfs::file_size(file)) - 200);
    const auto json = store.Json({"repair-catalog"}, 3);
    CHECK(CodeOf(json.at("missing"), 0) == "damaged");
    const auto gc = store.Json({"gc"});
    CHECK(gc.at("kept").dump().find(store.second) != std::string::npos);
  }
  SECTION("not trusted") {
    const std::string trust = store.shop / "other-trust";
    stdfs::copy(store.shop.trust(), trust, stdfs::copy_options::recursive);
    stdfs::remove_all(trust + "/patch.d");
    stdfs::create_directory(trust + "/patch.d");
    store.Json({"--trust", trust, "repair-catalog"}, 4);
    store.Json({"--trust", trust, "gc"});
  }
  CHECK(stdfs::exists(file));
  CHECK(stdfs::exists(store.Layer(store.net)));
  // Neither has it brought back what was reverted.
  CHECK(store.Current() == std::vector<std::string>{store.base});
  store.Json({"install", store.shop / "b.layer"});
  store.Json({"activate", "lib"});
  CHECK(store.Current() == store.stack);
}

TEST_CASE(
    "generations keep their numbers and slots when the catalog is made again, and none is given twice") {
  const RevertedStore store;
  const auto slots = [&] {
    std::map<std::string, uint16_t> found;
    const auto catalog = catalog::Catalog::OpenForReading(store.catalog());
    REQUIRE_OK(catalog);
    const auto layers = (*catalog)->Layers();
    REQUIRE_OK(layers);
    for (const auto& layer : *layers) found[layer.id] = layer.slot;
    return found;
  };
  const auto before = slots();
  store.Json({"revert", "--all"});
  store.Json({"activate", "--next-boot"});
  const auto status = store.Json({"status"});
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("generation") == status.at("generation"));
  CHECK(json.at("pending") == status.at("pending"));
  CHECK(json.at("generations").size() == 4);
  CHECK(slots() == before);
  const auto next = store.Json({"revert", "--to", "3"});
  CHECK(next.at("generation") == 6);
  CHECK(store.Current() == store.stack);
}

TEST_CASE("a generation that is no stack is not used, and not taken over") {
  const RevertedStore store;
  const bool with_base = GENERATE(false, true);
  {
    const auto catalog = catalog::Catalog::OpenForWriting(store.catalog(), std::chrono::seconds(10));
    REQUIRE_OK(catalog);
    std::vector<std::string> turned = {store.second};
    if (with_base) turned.push_back(store.base);
    catalog::Update update;
    update.PutGeneration({9, turned, catalog::EffectiveRoot(turned), "activate", 1700000000});
    update.SetCurrent(9);
    REQUIRE_OK((*catalog)->Commit(std::move(update)));
  }
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"activate"}, {"activate", "net"}, {"revert", "lib"}, {"why", "/"}}) {
    const CommandResult result = store.Run(words);
    INFO(words[0] << result.out << result.err);
    CHECK(result.status == 3);
    CHECK(result.err.find("no stack") != std::string::npos);
  }
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("stack_kept") == false);
  CHECK(json.at("generation") == 10);
  CHECK(store.Current() == std::vector<std::string>{store.base, store.second, store.net});
}

TEST_CASE("a withdrawn patch does not come through, though the old stack has it") {
  const RevertedStore store;
  store.Json({"install", store.Withdraw("w", store.second)});
  CHECK(store.Current() == store.stack);  // policy leaves it to the owner
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("stack_kept") == false);
  CHECK(json.at("left_out").size() == 1);
  CHECK(store.Current() == std::vector<std::string>{store.base});
}

TEST_CASE("a file in the place of the withdrawals' folder is told, with what mends it, and stops nobody") {
  const RevertedStore store;
  store.shop.Write("store/withdrawals", "not a folder");
  const CommandResult repaired = store.Run({"repair-catalog"});
  CHECK(repaired.status == 0);
  CHECK(repaired.out.find("run: rm " + store.path() + "/withdrawals") != std::string::npos);
  store.Json({"gc"});
  store.RequireAsItWas();
}

TEST_CASE("catalogs that were replaced are kept until gc, and give marks where there is no other") {
  RevertedStore store;
  store.ForgetLayersOfLib();
  store.Json({"repair-catalog"});
  stdfs::remove_all(store.catalog());
  const auto json = store.Json({"repair-catalog"});
  CHECK(json.at("marks").at("highest_sequence").at("lib") == 2);
  CHECK(json.at("stack_kept") == false);
  store.RequireRefusal({"install", store.first_file}, "downgrade");
  stdfs::create_directory(store.path() + "/catalog.old-of-mine");
  store.Json({"gc"});
  int left = 0;
  for (const auto& entry : stdfs::directory_iterator(store.path())) {
    left += entry.path().filename().string().starts_with("catalog") ? 1 : 0;
  }
  CHECK(left == 2);
}

}  // namespace
}  // namespace veneer::test
