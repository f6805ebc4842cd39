// The verbs that look at generations, and gc, on a real mount with real holders of files.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fs/base/unique_fd.h"
#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;

// A mounted base, and a component "fix" with three sequences, of which none is installed.
class Shop {
 public:
  Shop() {
    stdfs::create_symlink("usr/bin", stdfs::path(shop_.tree()) / "bin");
    shop_.Write("tree/lib", "one");
    stdfs::create_directories(shop_ / "tree/gone");
    shop_.Write("tree/gone/x", "x");
    MakePatch("lib", "two", "a.layer", "1", {"--advisory", Advisory(), "--restart", "web.service"});
    stdfs::remove_all(shop_ / "next/gone");
    MakePatch("lib", "three", "b.layer", "2", {});
    MakePatch("lib", "four", "c.layer", "3", {});
    Run({"init", "--trust", shop_.trust()});
    Run({"install", shop_.Sealed(), "--activate"});
    stdfs::create_directories(mount());
    Run({"mount", mount()});
  }
  ~Shop() { ::umount2(mount().c_str(), MNT_DETACH); }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  CommandResult Try(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", shop_ / "store"});
    return Veneer(words);
  }
  void Run(const std::vector<std::string>& words) const {
    const CommandResult result = Try(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
  }
  json Json(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", shop_ / "store"});
    return VeneerJson(words);
  }
  void Install(const std::string& layer) const { Run({"install", shop_ / layer, "--activate"}); }
  std::string mount() const { return shop_ / "mnt"; }

 private:
  std::string Advisory() const {
    return shop_.Write(
        "advisory.json",
        R"({"advisories": [{"id": "DSA-1", "cves": ["CVE-2026-1"], "severity": "high", "summary": "s"}]})");
  }

  void MakePatch(const std::string& file, const std::string& content, const std::string& output,
                 const std::string& sequence, const std::vector<std::string>& more) {
    const std::string base = shop_.Sealed();
    if (!stdfs::exists(shop_ / "next"))
      REQUIRE(RunCommand({"cp", "-a", shop_.tree(), shop_ / "next"}).status == 0);
    shop_.Write("next/" + file, content);
    std::vector<std::string> words = {
        "patch", shop_ / "next", "-o",     shop_ / output,      "--base",     base,    "--component", "fix",
        "--key", shop_.key(),    "--cert", shop_.certificate(), "--sequence", sequence};
    words.insert(words.end(), more.begin(), more.end());
    const CommandResult result = Veneer(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
  }

  Workshop shop_;
};

TEST_CASE("why names the layer that gives a path, what lies below it, and what it answers") {
  const Shop shop;
  shop.Install("a.layer");
  const json why = shop.Json({"why", "/lib"});
  CHECK(why["path"] == "/lib");
  CHECK(why["generation"] == 2);
  CHECK(why["advisories"][0]["cves"][0] == "CVE-2026-1");
  REQUIRE(why["entries"].size() == 2);
  CHECK(why["entries"][0]["role"] == "gives");
  CHECK(why["entries"][1]["role"] == "hidden");
  CHECK(why["entries"][1]["name"] == "test 1");
  const std::string sum = RunCommand({"sha256sum", shop.mount() + "/lib"}).out.substr(0, 64);
  CHECK(why["entries"][0]["sha256"] == sum);
  struct stat st {};
  REQUIRE(::stat((shop.mount() + "/lib").c_str(), &st) == 0);
  CHECK(why["entries"][0]["inode"] == st.st_ino);

  CHECK(shop.Json({"why", shop.mount() + "/bin/tool"})["path"] == "/usr/bin/tool");
  CHECK(shop.Json({"why", "--generation", "1", "/lib"})["entries"].size() == 1);
  shop.Install("b.layer");
  CHECK(shop.Json({"why", "/gone/x"})["shown"] == false);
  RequireError(shop.Try({"why", "/none"}), 1, "why", {"no layer of generation 3 has it"});
  RequireError(shop.Try({"why", "--generation", "77", "/lib"}), 1, "why", {" history"});
}

TEST_CASE("why means, of a path in a mount, what that mount shows") {
  const Shop shop;
  shop.Install("a.layer");
  const std::string pinned = shop.mount() + "-pinned";
  stdfs::create_directories(pinned);
  shop.Run({"mount", "--generation", "1", pinned});
  CHECK(shop.Json({"why", pinned + "/lib"})["generation"] == 1);
  CHECK(shop.Json({"why", shop.mount() + "/lib"})["generation"] == 2);
  CHECK(shop.Json({"why", "--generation", "2", pinned + "/lib"})["generation"] == 2);
  shop.Run({"umount", pinned});
}

TEST_CASE("diff lists what two generations or layers differ in") {
  const Shop shop;
  shop.Install("a.layer");
  shop.Install("b.layer");
  json diff = shop.Json({"diff", "1", "2"});
  REQUIRE(diff["changes"].size() == 1);
  const json change = diff["changes"][0];
  CHECK(change["path"] == "/lib");
  CHECK(change["change"] == "changed");
  CHECK(change["before"]["size"] == 3);
  CHECK(change["aspects"].back() == "content");
  diff = shop.Json({"diff", "fix@a", "fix@b"});
  CHECK(diff["before"].size() == 2);
  const std::string paths = diff["changes"].dump();
  CHECK(paths.find("\"/gone/x\"") != std::string::npos);
  CHECK(shop.Json({"diff", "3"})["changes"].empty());
  RequireError(shop.Try({"diff", "1", "nothing"}), 1, "diff", {" list"});
  for (const char* number : {"0", "77", "1000000000000000000000"})
    RequireError(shop.Try({"diff", "1", number}), 1, "diff", {"no generation " + std::string(number)});
}

// The paths that this process holds and should not, as ps has it.
json HeldByMe(const Shop& shop) {
  const json ps = shop.Json({"ps"});
  for (const json& process : ps["processes"]) {
    if (process["pid"] == ::getpid()) return process["paths"];
  }
  return json::array();
}

TEST_CASE("ps lists who holds what is not current, and nothing else that they hold") {
  const Shop shop;
  const auto open = [&](const char* path) {
    UniqueFd fd(::open((shop.mount() + path).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(fd);
    return fd;
  };
  const UniqueFd base = open("/lib");
  const UniqueFd untouched = open("/usr/bin/tool");
  CHECK(HeldByMe(shop).empty());
  shop.Install("a.layer");
  CHECK(HeldByMe(shop) == json::array({"/lib"}));  // of the base, which is current, but not shown
  const UniqueFd patched = open("/lib");
  CHECK(HeldByMe(shop) == json::array({"/lib"}));
  shop.Install("b.layer");
  CHECK(HeldByMe(shop) == json::array({"/lib", "/lib"}));
  shop.Run({"revert", "--to", "2"});
  CHECK(HeldByMe(shop) == json::array({"/lib"}));
}

TEST_CASE("ps looks at a mount that was detached, and at the one that took its place") {
  const Shop shop;
  const UniqueFd detached(::open((shop.mount() + "/lib").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(detached);
  shop.Run({"umount", "--lazy", shop.mount()});
  CHECK(HeldByMe(shop).empty());
  shop.Run({"mount", shop.mount()});
  const UniqueFd mounted(::open((shop.mount() + "/lib").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(mounted);
  shop.Install("a.layer");
  size_t found = 0;
  const json ps = shop.Json({"ps"});
  for (const json& process : ps["processes"]) {
    if (process["pid"] != ::getpid()) continue;
    CHECK(process["paths"] == json::array({"/lib"}));
    ++found;
  }
  CHECK(found == 2);
}

TEST_CASE("gc removes a dropped layer when nobody holds it any more, and not before") {
  const Shop shop;
  shop.Install("a.layer");
  UniqueFd held(::open((shop.mount() + "/lib").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(held);
  shop.Install("b.layer");
  shop.Install("c.layer");
  json gc = shop.Json({"gc", "--keep", "0"});
  REQUIRE(gc["removed"].size() == 1);  // the second sequence
  CHECK(gc["removed"][0]["name"] == "fix (b)");
  CHECK(gc["kept"].size() == 3);
  char text[4] = {};
  CHECK(::pread(held.get(), text, 3, 0) == 3);
  CHECK(std::string(text) == "two");
  held.reset();
  gc = shop.Json({"gc", "--keep", "0", "--dry-run"});
  CHECK(gc["removed"].size() == 1);
  CHECK(shop.Json({"list"})["layers"].size() == 3);
  gc = shop.Json({"gc", "--keep", "0"});
  REQUIRE(gc["removed"].size() == 1);
  CHECK(gc["removed"][0]["name"] == "fix (a)");
  CHECK(shop.Json({"list"})["layers"].size() == 2);
  RequireError(shop.Try({"revert", "--to", "2"}), 1, "revert", {"not installed any more", " install FILE"});
  shop.Run({"revert"});
  CHECK(shop.Json({"status"})["layers"].size() == 1);
  shop.Install("c.layer");
}

TEST_CASE("gc keeps what a pinned mount shows, and what it is told to keep") {
  const Shop shop;
  shop.Install("a.layer");
  shop.Install("b.layer");
  shop.Install("c.layer");
  CHECK(shop.Json({"gc", "--keep", "9"})["removed"].empty());
  const std::string pinned = shop.mount() + "-pinned";
  stdfs::create_directories(pinned);
  shop.Run({"mount", "--generation", "2", pinned});
  json gc = shop.Json({"gc"});
  CHECK(gc["removed"].empty());
  REQUIRE(::umount2(pinned.c_str(), 0) == 0);
  while (shop.Json({"status"})["mounts"].size() != 1) continue;  // the server ends after its mount
  gc = shop.Json({"gc"});
  REQUIRE(gc["removed"].size() == 1);
  CHECK(gc["removed"][0]["name"] == "fix (a)");
}

TEST_CASE("gc takes away the files that an interrupted install left") {
  const Shop shop;
  const std::string layers = std::string(shop.mount()) + "/../store/layers/";
  REQUIRE(RunCommand({"touch", layers + "left.layer.tmp-abc123"}).status == 0);
  const json gc = shop.Json({"gc"});
  REQUIRE(gc["removed"].size() == 1);
  CHECK_FALSE(stdfs::exists(layers + "left.layer.tmp-abc123"));
}

}  // namespace
}  // namespace veneer::test
