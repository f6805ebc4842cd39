#include "tests/tools/program.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace veneer::test {

namespace stdfs = std::filesystem;

std::vector<std::string> CommandOf(const std::string& program, const std::vector<std::string>& words) {
  std::vector<std::string> argv = {"env", "-u", "VENEER_STORE", "-u", "SOURCE_DATE_EPOCH", program};
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

std::vector<std::string> VeneerCommand(const std::vector<std::string>& words) {
  return CommandOf(VENEER_PROGRAM, words);
}

CommandResult Veneer(const std::vector<std::string>& words) {
  return RunCommand(VeneerCommand(words));
}

nlohmann::json VeneerJson(std::vector<std::string> words, int status) {
  words.insert(words.begin(), "--json");
  const CommandResult result = Veneer(words);
  INFO(result.out << result.err);
  REQUIRE(result.status == status);
  nlohmann::json object = nlohmann::json::parse(result.out, nullptr, false);
  REQUIRE(object.is_object());
  REQUIRE(object.value("schema", 0) == 1);
  REQUIRE(object.contains("error") == (status != 0));
  return object;
}

void RequireErrorLine(const CommandResult& result, int status, const std::string& verb,
                      const std::vector<std::string>& parts) {
  INFO(result.out << result.err);
  CHECK(result.status == status);
  REQUIRE_FALSE(result.err.empty());
  CHECK(result.err.find('\n') == result.err.size() - 1);
  const std::string prefix = verb.empty() ? "veneer: " : "veneer: " + verb + ": ";
  CHECK(result.err.substr(0, prefix.size()) == prefix);
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(result.err.find(part) != std::string::npos);
  }
}

void RequireError(const CommandResult& result, int status, const std::string& verb,
                  const std::vector<std::string>& parts) {
  RequireErrorLine(result, status, verb, parts);
  CHECK(result.out == "");
}

Workshop::Workshop() {
  const CommandResult keys = Veneer({"keygen", scratch_ / "keys"});
  INFO(keys.err);
  REQUIRE(keys.status == 0);
  for (const char* role : {"base.d", "patch.d", "feed.d"}) {
    stdfs::create_directories(stdfs::path(trust()) / role);
    stdfs::copy_file(scratch_ / "keys/ca.pem", stdfs::path(trust()) / role / "ca.pem");
  }
  stdfs::create_directories(stdfs::path(tree()) / "usr/bin");
  Write("tree/usr/bin/tool", std::string(20000, 't'));
  Write("tree/usr/bin/other", std::string(9000, 'o'));
  Write("tree/name with\nnewline", "n");
  Write("tree/not-utf8-\xff", "x");
  stdfs::create_symlink("tool", stdfs::path(tree()) / "usr/bin/link");
}

std::vector<std::string> Workshop::SealWords(const std::string& output) const {
  return {"seal",      tree(), "-o",    output, "--id",   "test",
          "--version", "1",    "--key", key(),  "--cert", certificate()};
}

std::string Workshop::Sealed() {
  const std::string path = scratch_ / "base.layer";
  if (!stdfs::exists(path)) {
    const CommandResult result = Veneer(SealWords(path));
    INFO(result.err);
    REQUIRE(result.status == 0);
  }
  return path;
}

std::string Workshop::Write(const std::string& name, const std::string& content) const {
  std::ofstream(scratch_ / name, std::ios::binary) << content;
  return scratch_ / name;
}

std::string Workshop::Read(const std::string& path) const {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

}  // namespace veneer::test
