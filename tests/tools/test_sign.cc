// Signing on another host: what is written to be signed, what the real openssl makes of it, and what is put
// together again.
#include <filesystem>

#include "fs/io/file_ops.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// The shell blocks of docs/trust.md, in the order of the page.
std::vector<std::string> BlocksOfPage() {
  const auto page = io::ReadWholeFile(VENEER_DOCS "/trust.md", 1 << 20);
  REQUIRE_OK(page);
  std::string text(AsText(*page));
  std::vector<std::string> blocks;
  const std::string begin = "\n```sh\n";
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    blocks.push_back(text.substr(at, text.find("\n```\n", at) - at));
  }
  return blocks;
}

void Shell(const Workshop& shop, const std::string& commands) {
  const CommandResult result = RunCommand({"sh", "-euc", "cd \"$1\"\n" + commands, "sh", shop / "."});
  INFO(result.err);
  REQUIRE(result.status == 0);
}

std::vector<std::string> Unsigned(std::vector<std::string> words) {
  for (const char* option : {"--key", "--cert"}) {
    const auto found = std::find(words.begin(), words.end(), option);
    words.erase(found, found + 2);
  }
  words.emplace_back("--unsigned");
  return words;
}

TEST_CASE("the commands of the page sign a layer that was made elsewhere, by one person or by two") {
  const PolicyStore store;
  const Workshop& shop = store.shop;
  const std::vector<std::string> blocks = BlocksOfPage();
  REQUIRE(blocks.size() == 4);
  stdfs::create_directories(shop / "signing/trust");
  Shell(shop, "cd signing\n" + blocks[0]);  // keys of Alice and Bob below a root
  stdfs::copy_file(shop / "signing/root.pem", store.path() + "/trust/base.d/root.pem");

  const std::string layer = shop / "unsigned.layer";
  const auto sealed = VeneerJson(Unsigned(shop.SealWords(layer)));
  store.RequireRefusal({"install", layer}, "untrusted");
  const auto prepared = VeneerJson({"sign", layer, "--prepare", "-o", shop / "signing/manifest.json"});
  CHECK(prepared.at("layer_id") == sealed.at("layer_id"));
  const auto sum = RunCommand({"sha256sum", shop / "signing/manifest.json"});
  CHECK(sum.out.substr(0, 64) == sealed.at("layer_id"));

  Shell(shop, "cd signing\n" + blocks[1]);  // Alice signs
  const std::string one = shop / "one.layer";
  const auto attached = VeneerJson({"sign", layer, "--attach", shop / "signing/manifest.cms", "-o", one});
  CHECK(attached.at("signers") == nlohmann::json::array({"CN=Alice,O=Example"}));
  CHECK(attached.at("layer_id") == sealed.at("layer_id"));
  CHECK(store.Install(one) == sealed.at("layer_id"));

  Shell(shop, "cd signing\n" + blocks[2]);  // and Bob as well
  const std::string two = shop / "two.layer";
  VeneerJson({"sign", one, "--attach", shop / "signing/both.cms", "-o", two});
  store.SetPolicy(R"({"schema": 1, "signers": {"base": 2}})");
  store.RequireRefusal({"install", one}, "untrusted");
  store.Json({"install", two});
}

TEST_CASE("what is attached has to be a good signature of this very layer") {
  const Workshop shop;
  const std::string layer = shop / "unsigned.layer";
  VeneerJson(Unsigned(shop.SealWords(layer)));
  VeneerJson({"sign", layer, "--prepare", "-o", shop / "m"});
  const std::string sign =
      "openssl cms -sign -binary -nodetach -outform DER -md sha256 -signer keys/signer.pem "
      "-inkey keys/signer.key ";
  const auto refused = [&](const std::string& commands, const std::string& code, int status = 4) {
    Shell(shop, commands);
    const auto json = VeneerJson({"sign", layer, "--attach", shop / "c", "-o", shop / "signed"}, status);
    CHECK(json.at("error").at("code") == code);
    CHECK_FALSE(stdfs::exists(shop / "signed"));
  };
  refused("echo other > other; " + sign + "-in other -out c", "corrupt");
  refused(sign + "-in m -out c; printf x >> c", "corrupt");
  refused("cp m c", "corrupt");
  refused(
      "openssl cms -sign -binary -outform DER -md sha256 -signer keys/signer.pem -inkey keys/signer.key "
      "-in m -out c",
      "corrupt");  // detached
  refused(sign + "-nocerts -in m -out c", "untrusted");
  refused(
      "openssl cms -sign -binary -nodetach -outform DER -md sha1 -signer "
      "keys/signer.pem -inkey keys/signer.key -in m -out c",
      "untrusted");
  Shell(shop, sign + "-in m -out c");
  VeneerJson({"sign", layer, "--attach", shop / "c", "-o", shop / "signed"});
  RequireError(Veneer({"sign", layer, "--attach", shop / "c", "-o", shop / "signed"}), 1, "sign",
               {"is there already"});
  RequireError(Veneer({"sign", layer, "-o", shop / "x"}), 2, "sign", {"--prepare", "--attach"});
  RequireError(Veneer({"sign", shop / "m", "--prepare", "-o", shop / "x"}), 4, "sign");
}

TEST_CASE("a withdrawal can be signed elsewhere too") {
  const PolicyStore store;
  const std::string patch = store.Patch("one", "lib", 1);
  store.Json({"withdraw", patch, "--reason", "why", "-o", store.shop / "w.json", "--unsigned"});
  store.RequireRefusal({"install", store.shop / "w.json"}, "corrupt");
  Shell(store.shop,
        "openssl cms -sign -binary -nodetach -outform DER -md sha256 -signer keys/signer.pem "
        "-inkey keys/signer.key -in w.json -out w");
  store.Json({"install", store.shop / "w"});
  store.RequireRefusal({"install", patch}, "withdrawn");
}

TEST_CASE("a key is named by its file or by a URI") {
  const Workshop shop;
  std::vector<std::string> words = shop.SealWords(shop / "a.layer");
  const auto key = std::find(words.begin(), words.end(), "--key") + 1;
  *key = "file:" + shop.key();
  VeneerJson(words);
  CHECK(VeneerJson({"--trust", shop.trust(), "inspect", shop / "a.layer"}).at("trusted") == true);
  words[4 - 1] = shop / "b.layer";
  for (const std::string& uri : {"file:" + shop / "none", std::string("nosuch:thing")}) {
    *key = uri;
    RequireErrorLine(Veneer(words), 1, "seal", {uri});
  }
  *key = "file:" + shop.certificate();
  RequireErrorLine(Veneer(words), 4, "seal", {shop.certificate()});
  RequireError(Veneer({"seal", shop.tree(), "-o", shop / "c", "--id", "x", "--version", "1"}), 2, "seal",
               {"--unsigned"});
}

}  // namespace
}  // namespace veneer::test
