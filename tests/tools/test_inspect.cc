#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A copy of `layer` with the bit at byte `offset` flipped (from the end if negative).
std::string Damaged(const Workshop& workshop, const std::string& layer, int64_t offset) {
  std::string bytes = workshop.Read(layer);
  const auto at = offset < 0 ? bytes.size() - static_cast<size_t>(-offset) : static_cast<size_t>(offset);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  return workshop.Write("damaged.layer", bytes);
}

TEST_CASE("inspect shows a layer that the trust folder vouches for") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const auto json = VeneerJson({"--trust", workshop.trust(), "inspect", file});
  CHECK(json.at("file") == file);
  CHECK(json.at("trusted") == true);
  CHECK_FALSE(json.contains("reason"));
  CHECK(json.at("layer_id").get<std::string>().size() == 64);
  CHECK(json.at("manifest").at("kind") == "base");
  CHECK(json.at("manifest").at("schema") == 1);
  CHECK(json.at("manifest").at("os").at("id") == "test");
  REQUIRE(json.at("signers").size() == 1);
  for (const char* key : {"subject", "issuer", "serial", "key_fingerprint", "not_after"}) {
    CHECK(json.at("signers")[0].at(key).get<std::string>() != "");
  }
  const auto& sizes = json.at("sizes");
  CHECK(sizes.at("file") == stdfs::file_size(file));
  CHECK(sizes.at("image").get<uint64_t>() + sizes.at("tree").get<uint64_t>() +
            sizes.at("cms").get<uint64_t>() ==
        stdfs::file_size(file) - 128);

  const CommandResult words = Veneer({"--trust", workshop.trust(), "inspect", file});
  CHECK(words.status == 0);
  CHECK(words.out.find("signature verified, by the trust folder " + workshop.trust()) != std::string::npos);
  CHECK(words.out.find("root_hash: " + json.at("manifest").at("root_hash").get<std::string>()) !=
        std::string::npos);
}

TEST_CASE("the layer id is the SHA-256 of the manifest, as openssl takes it out") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const auto json = VeneerJson({"inspect", file});
  const std::string bytes = workshop.Read(file);
  const size_t size = json.at("sizes").at("cms").get<size_t>();
  const std::string cms = workshop.Write("cms", bytes.substr(bytes.size() - 128 - size, size));
  const CommandResult manifest =
      RunCommand({"openssl", "cms", "-verify", "-inform", "DER", "-in", cms, "-CAfile",
                  workshop / "keys/ca.pem", "-purpose", "any", "-binary"});
  INFO(manifest.err);
  CHECK(manifest.status == 0);
  const CommandResult sum = RunCommand({"sha256sum", workshop.Write("manifest", manifest.out)});
  CHECK(sum.out.substr(0, 64) == json.at("layer_id"));
  CHECK(nlohmann::json::parse(manifest.out) == json.at("manifest"));
}

TEST_CASE("without a trust folder inspect says that nothing was verified") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const auto json = VeneerJson({"--store", workshop / "none", "inspect", file});
  CHECK(json.at("trusted") == false);
  CHECK(json.at("reason").at("code") == "not-verified");
  CHECK(json.at("reason").at("message") == "signature not verified: no trust folder given");
  const CommandResult words = Veneer({"--store", workshop / "none", "inspect", file});
  CHECK(words.status == 0);
  CHECK(words.out.find("signature not verified: no trust folder given") != std::string::npos);
}

TEST_CASE("a signer that nobody trusts: shown, told, and refused") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const std::string empty_trust = workshop / "empty-trust";
  stdfs::create_directories(empty_trust);
  const auto json = VeneerJson({"--trust", empty_trust, "inspect", "--tree", file}, 4);
  CHECK(json.at("trusted") == false);
  CHECK(json.at("reason").at("code") == "untrusted");
  CHECK(json.at("error").at("code") == "untrusted");
  CHECK(json.at("error").at("layer") == json.at("layer_id"));
  CHECK(json.contains("manifest"));
  CHECK_FALSE(json.contains("tree"));
  RequireErrorLine(Veneer({"--trust", empty_trust, "inspect", file}), 4, "inspect", {file});
}

TEST_CASE("a store's trust judges where no other is named") {
  Workshop workshop;
  REQUIRE(Veneer({"--store", workshop / "store", "init", "--trust", workshop.trust()}).status == 0);
  const std::string file = workshop.Sealed();
  CHECK(VeneerJson({"--store", workshop / "store", "inspect", file}).at("trusted") == true);
}

TEST_CASE("a trust folder that is not there is an error, never 'not verified'") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  RequireError(Veneer({"--trust", workshop / "no-trust", "inspect", file}), 1, "inspect",
               {workshop / "no-trust"});
}

TEST_CASE("files that are no layers") {
  Workshop workshop;
  const std::string layer = workshop.Read(workshop.Sealed());
  const std::vector<std::string> foreign = {
      workshop.Write("empty", ""),
      workshop.Write("short", "x"),
      workshop.Write("text", std::string(100000, 'x')),
      workshop.Write("truncated", layer.substr(0, layer.size() - 1)),
      workshop.Write("half", layer.substr(0, layer.size() / 2)),
      workshop.Write("longer", layer + "x"),
      workshop.Write("tail", layer.substr(layer.size() - 128)),
      workshop.tree(),
      "/dev/null",
  };
  for (const std::string& file : foreign) {
    INFO(file);
    for (const char* flag : {"--tree", "--verify"}) {
      RequireError(Veneer({"--trust", workshop.trust(), "inspect", flag, file}), 4, "inspect", {file});
      RequireError(Veneer({"--store", workshop / "none", "inspect", flag, file}), 4, "inspect", {file});
    }
    CHECK(VeneerJson({"inspect", file}, 4).at("error").at("code") == "corrupt");
  }
  RequireError(Veneer({"inspect", workshop / "nothing"}), 1, "inspect", {workshop / "nothing"});
}

TEST_CASE("a FIFO does not make inspect wait") {
  const Workshop workshop;
  REQUIRE(::mkfifo((workshop / "fifo").c_str(), 0600) == 0);
  RequireError(Veneer({"inspect", workshop / "fifo"}), 4, "inspect", {workshop / "fifo"});
}

TEST_CASE("inspect follows a symbolic link") {
  Workshop workshop;
  stdfs::create_symlink(workshop.Sealed(), workshop / "link");
  CHECK(VeneerJson({"inspect", workshop / "link"}).at("file") == workshop / "link");
}

TEST_CASE("--tree lists every path, in order, on a line of its own") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const auto tree = VeneerJson({"inspect", "--tree", file}).at("tree");
  std::vector<std::string> paths;
  for (const auto& item : tree) paths.push_back(item.at("path"));
  CHECK(paths == std::vector<std::string>{"/", "/name with\nnewline", "/not-utf8-\\xff", "/usr", "/usr/bin",
                                          "/usr/bin/link", "/usr/bin/other", "/usr/bin/tool"});
  struct stat st {};
  REQUIRE(::stat((workshop.tree() + "/usr/bin/tool").c_str(), &st) == 0);
  const auto& tool = tree.back();
  CHECK(tool.at("type") == "file");
  CHECK(tool.at("mode") == "0644");
  CHECK(tool.at("size") == 20000);
  CHECK(tool.at("uid") == st.st_uid);
  CHECK(tool.at("mtime") == st.st_mtim.tv_sec);
  CHECK(tool.at("mtime_nsec") == st.st_mtim.tv_nsec);
  CHECK(tree[5].at("type") == "symlink");
  CHECK(tree[5].at("target") == "tool");

  const CommandResult words = Veneer({"inspect", "--tree", file});
  CHECK(words.out.find("/name with\\x0anewline\n") != std::string::npos);
  CHECK(words.out.find("/not-utf8-\\xff\n") != std::string::npos);
  CHECK(words.out.find("/usr/bin/link -> tool\n") != std::string::npos);
  CHECK(words.out.find("-rw-r--r--   1 ") != std::string::npos);
}

TEST_CASE("--tree shows special files as ls does") {
  Workshop workshop;
  const std::string tree = workshop.tree();
  REQUIRE(::mknod((tree + "/block").c_str(), S_IFBLK | 0660, makedev(259, 300)) == 0);
  REQUIRE(::mkfifo((tree + "/fifo").c_str(), 0600) == 0);
  REQUIRE(::chmod((tree + "/usr/bin/tool").c_str(), 06755) == 0);
  REQUIRE(::chmod((tree + "/usr/bin/other").c_str(), 04644) == 0);
  REQUIRE(::chmod((tree + "/usr").c_str(), 01777) == 0);
  const CommandResult words = Veneer({"inspect", "--tree", workshop.Sealed()});
  for (const std::string name : {"block", "fifo", "usr", "usr/bin/tool", "usr/bin/other"}) {
    const std::string mode = RunCommand({"stat", "-c", "%A", tree + "/" + name}).out.substr(0, 10);
    const size_t line_end = words.out.find(" /" + name + "\n");
    INFO(name << " " << mode << "\n" << words.out);
    REQUIRE(line_end != std::string::npos);
    const std::string line = words.out.substr(words.out.rfind('\n', line_end) + 1, line_end);
    CHECK(line.substr(0, 10) == mode);
    if (name == "block") CHECK(line.find(" 259, 300 ") != std::string::npos);
  }
}

TEST_CASE("--verify finds nothing in a good layer") {
  Workshop workshop;
  const std::string file = workshop.Sealed();
  const auto verification = VeneerJson({"inspect", "--verify", file}).at("verification");
  CHECK(verification.at("findings").empty());
  CHECK(verification.at("bytes").get<uint64_t>() == verification.at("blocks").get<uint64_t>() * 4096);
  CHECK(verification.at("seconds").get<double>() >= 0);
  const CommandResult words = Veneer({"inspect", "--verify", file});
  CHECK(words.out.find("no damage") != std::string::npos);
}

TEST_CASE("--verify names the path of a damaged block") {
  Workshop workshop;
  const std::string layer = workshop.Sealed();
  const auto offset = static_cast<int64_t>(workshop.Read(layer).find(std::string(5000, 't')));
  const std::string file = Damaged(workshop, layer, offset + 4096);
  const auto json = VeneerJson({"--trust", workshop.trust(), "inspect", "--verify", file}, 3);
  CHECK(json.at("trusted") == true);
  CHECK(json.at("error").at("code") == "damaged");
  REQUIRE(json.at("verification").at("findings").size() == 1);
  const auto& finding = json.at("verification").at("findings")[0];
  CHECK(finding.at("block") == (offset + 4096) / 4096);
  CHECK(finding.at("kind") == "data");
  CHECK(finding.at("paths") == nlohmann::json::parse(R"(["/usr/bin/tool"])"));

  const CommandResult words = Veneer({"inspect", "--verify", file});
  RequireErrorLine(words, 3, "inspect", {file, "1 damaged block: /usr/bin/tool"});
  CHECK(words.out.find("damaged: /usr/bin/tool (block ") != std::string::npos);
}

TEST_CASE("--verify finds damage wherever it is in image and tree") {
  Workshop workshop;
  const std::string layer = workshop.Sealed();
  const auto sizes = VeneerJson({"inspect", layer}).at("sizes");
  const auto image = sizes.at("image").get<int64_t>();
  const auto tree = sizes.at("tree").get<int64_t>();
  for (const int64_t offset : {int64_t{0}, int64_t{1024}, image / 2, image - 1}) {
    INFO(offset);
    const auto json = VeneerJson({"inspect", "--verify", Damaged(workshop, layer, offset)}, 3);
    const auto& findings = json.at("verification").at("findings");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].at("block") == offset / 4096);
    CHECK(findings[0].at("kind") == "data");
  }
  // The tree's first block is its superblock, which is no part of what is hashed but is checked as a whole.
  for (const int64_t offset : {image, image + 4096, image + tree - 1}) {
    INFO(offset);
    CHECK(VeneerJson({"inspect", "--verify", Damaged(workshop, layer, offset)}, 3).at("error").at("code") ==
          "damaged");
  }
}

TEST_CASE("a bit that is flipped in signature or trailer is never trusted") {
  Workshop workshop;
  const std::string layer = workshop.Sealed();
  const auto cms = VeneerJson({"inspect", layer}).at("sizes").at("cms").get<int64_t>();
  for (const int64_t offset :
       {int64_t{-1}, int64_t{-70}, int64_t{-128}, int64_t{-129}, -128 - cms / 2, -128 - cms}) {
    INFO(offset);
    const CommandResult result =
        Veneer({"--trust", workshop.trust(), "--json", "inspect", Damaged(workshop, layer, offset)});
    CHECK((result.status == 4 || result.status == 1));
    CHECK(nlohmann::json::parse(result.out).value("trusted", false) == false);
  }
}

}  // namespace
}  // namespace veneer::test
