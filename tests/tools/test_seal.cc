#include <filesystem>
#include <regex>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

TEST_CASE("seal writes a layer that the kernel's tools accept") {
  const Workshop workshop;
  const std::string file = workshop / "base.layer";
  const auto json = VeneerJson(workshop.SealWords(file));
  CHECK(json.at("file") == file);
  CHECK(json.at("file_size") == std::filesystem::file_size(file));
  CHECK(std::regex_match(json.at("layer_id").get<std::string>(), std::regex("[0-9a-f]{64}")));

  const CommandResult fsck = RunCommand({"fsck.erofs", file});
  INFO(fsck.out << fsck.err);
  CHECK(fsck.status == 0);
  const CommandResult verity =
      RunCommand({"veritysetup", "verify", file, file, json.at("root_hash"),
                  "--hash-offset=" + std::to_string(json.at("image_size").get<uint64_t>())});
  INFO(verity.out << verity.err);
  CHECK(verity.status == 0);
}

TEST_CASE("SOURCE_DATE_EPOCH makes the same input the same layer") {
  const Workshop workshop;
  const auto seal = [&](const std::string& output, const std::string& epoch) {
    std::vector<std::string> argv = {"env", "SOURCE_DATE_EPOCH=" + epoch, VENEER_PROGRAM, "--json"};
    for (const std::string& word : workshop.SealWords(output)) argv.push_back(word);
    return RunCommand(argv);
  };
  const CommandResult first = seal(workshop / "a", "1700000000");
  const CommandResult second = seal(workshop / "b", "1700000000");
  CHECK(first.status == 0);
  CHECK(nlohmann::json::parse(first.out).at("layer_id") == nlohmann::json::parse(second.out).at("layer_id"));
  CHECK(VeneerJson({"inspect", workshop / "a"}).at("manifest").at("created") == "2023-11-14T22:13:20Z");
  for (const char* bad : {"", "soon", "-1", "1e9", "99999999999999999999"}) {
    const CommandResult result = seal(workshop / "c", bad);
    CHECK(result.status == 2);
    CHECK(result.err.find("SOURCE_DATE_EPOCH") != std::string::npos);
  }
}

TEST_CASE("seal says what it was given that is not right, and writes nothing") {
  const Workshop workshop;
  const std::string file = workshop / "base.layer";
  // The words of a good seal, with word `i` another.
  const auto seal = [&](size_t i, const std::string& word) {
    std::vector<std::string> words = workshop.SealWords(file);
    words.at(i) = word;
    return Veneer(words);
  };
  RequireError(seal(1, workshop / "no-tree"), 1, "seal", {workshop / "no-tree"});
  RequireError(seal(1, workshop.key()), 2, "seal", {workshop.key()});
  RequireError(seal(3, workshop / "no-folder/base.layer"), 1, "seal", {workshop / "no-folder/base.layer"});
  RequireError(seal(9, workshop / "no.key"), 1, "seal", {workshop / "no.key"});
  RequireError(seal(11, workshop / "no.pem"), 1, "seal", {workshop / "no.pem"});
  RequireErrorLine(seal(9, workshop.certificate()), 4, "seal", {workshop.certificate()});
  RequireErrorLine(seal(11, workshop / "keys/ca.pem"), 4, "seal", {"keys/ca.pem"});
  CHECK_FALSE(std::filesystem::exists(file));

  workshop.Write("base.layer", "here before");
  RequireError(Veneer(workshop.SealWords(file)), 1, "seal", {file});
  CHECK(workshop.Read(file) == "here before");
}

TEST_CASE("keys and certificates come in pairs") {
  const Workshop workshop;
  std::vector<std::string> words = workshop.SealWords(workshop / "base.layer");
  words.insert(words.end(), {"--key", workshop.key()});
  RequireError(Veneer(words), 2, "seal", {"--key", "--cert"});
}

TEST_CASE("an option that repeats leaves the words behind it alone") {
  const Workshop workshop;
  const CommandResult result =
      Veneer({"seal", "--key", workshop.key(), "--cert", workshop.certificate(), "--id", "test", "--version",
              "1", "-o", workshop / "base.layer", "--model", "one", "--model", "two", workshop.tree()});
  INFO(result.err);
  CHECK(result.status == 0);
  const auto os = VeneerJson({"inspect", workshop / "base.layer"}).at("manifest").at("os");
  CHECK(os.at("models") == nlohmann::json::parse(R"(["one", "two"])"));
}

}  // namespace
}  // namespace veneer::test
