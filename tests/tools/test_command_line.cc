// The program's words before any verb does its work.
#include <algorithm>
#include <string>

#include "tests/tools/program.h"
#include "tools/verbs.h"

namespace veneer::test {
namespace {

std::vector<std::string> VerbNames() {
  std::vector<std::string> names;
  for (const tools::Verb& verb : tools::Verbs()) names.emplace_back(verb.name);
  return names;
}

TEST_CASE("--version says which") {
  const CommandResult result = Veneer({"--version"});
  CHECK(result.status == 0);
  CHECK(result.out == "veneer " VENEER_VERSION "\n");
  CHECK(result.err == "");
}

TEST_CASE("--help lists every verb and global option") {
  const CommandResult result = Veneer({"--help"});
  INFO(result.out);
  CHECK(result.status == 0);
  CHECK(result.err == "");
  for (const std::string& verb : VerbNames())
    CHECK(result.out.find("\n  " + verb + " ") != std::string::npos);
  for (const char* option : {"--store", "--trust", "--json", "--quiet", "--version", "Exit status"}) {
    INFO(option);
    CHECK(result.out.find(option) != std::string::npos);
  }
}

TEST_CASE("each verb has a help that is short and fits an ordinary terminal") {
  for (const std::string& verb : VerbNames()) {
    const CommandResult result = Veneer({verb, "--help"});
    INFO(result.out);
    CHECK(result.status == 0);
    CHECK(result.err == "");
    CHECK(result.out.find("Usage: veneer " + verb) != std::string::npos);
    CHECK(result.out.front() != '\n');  // that is: it has a description
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') < 30);
    for (size_t start = 0; start < result.out.size(); start = result.out.find('\n', start) + 1) {
      CHECK(result.out.find('\n', start) - start <= 110);
    }
  }
}

TEST_CASE("words that make no sense are one line that names them and the help") {
  RequireError(Veneer({}), 2, "", {"a verb is needed", "run: veneer --help"});
  RequireError(Veneer({"frobnicate", "x"}), 2, "", {"frobnicate: no such verb", "run: veneer --help"});
  RequireError(Veneer({"--frob", "list"}), 2, "", {"--frob: no such option", "run: veneer --help"});
  RequireError(Veneer({"--store"}), 2, "", {"--store", "run: veneer --help"});
  RequireError(Veneer({"--store", "a", "--store", "b", "list"}), 2, "list", {"--store"});
  RequireError(Veneer({"--store", "", "list"}), 2, "list", {"--store"});
  RequireError(Veneer({"list", "--frob"}), 2, "list", {"--frob", "run: veneer list --help"});
  RequireError(Veneer({"inspect"}), 2, "inspect", {"FILE", "run: veneer inspect --help"});
  RequireError(Veneer({"inspect", "a", "b"}), 2, "inspect", {"b"});
  RequireError(Veneer({"seal", "tree"}), 2, "seal", {"--output"});
  RequireError(Veneer({"history", "--limit", "many"}), 2, "history", {"--limit", "many"});
  RequireError(Veneer({"history", "--limit", "-1"}), 2, "history", {"--limit"});
}

TEST_CASE("a global option behind the verb is told where it belongs") {
  RequireError(Veneer({"list", "--json"}), 2, "list", {"--json: stands before the verb"});
  RequireError(Veneer({"list", "--store=x"}), 2, "list", {"--store: stands before the verb"});
}

TEST_CASE("a word that is a verb's name is an ordinary word behind a verb") {
  RequireError(Veneer({"inspect", "list"}), 1, "inspect", {"list: No such file"});
}

TEST_CASE("what is wrong with the words stands in the JSON too") {
  const CommandResult result = Veneer({"--json", "inspect"});
  CHECK(result.status == 2);
  const auto error = VeneerJson({"inspect"}, 2).at("error");
  CHECK(error.at("code") == "usage");
  CHECK(result.err == "veneer: inspect: " + error.at("message").get<std::string>() + "\n");
}

TEST_CASE("an error stays one line whatever the words hold") {
  RequireError(Veneer({"inspect", "no\nsuch\x1b[31m\xff"}), 1, "inspect", {"no\\x0asuch\\x1b[31m\\xff"});
  const auto error = VeneerJson({"inspect", "no\nsuch\xff"}, 1).at("error");
  CHECK(error.at("code") == "not-found");
  CHECK(error.at("message").get<std::string>().find("no\nsuch\\xff: ") == 0);
  CHECK(error.at("layer") == "no\nsuch\\xff");
}

TEST_CASE("an answer that cannot be written is a failure") {
  const Scratch scratch;
  const CommandResult result =
      RunCommand({"sh", "-c", "\"$0\" keygen \"$1\" >/dev/full", VENEER_PROGRAM, scratch / "keys"});
  RequireErrorLine(result, 1, "keygen", {"standard output: "});
}

TEST_CASE("VENEER_STORE names the store, and --store counts more") {
  const Scratch scratch;
  const auto list = [&](const std::vector<std::string>& words) {
    std::vector<std::string> argv = {"env", "VENEER_STORE=" + (scratch / "from-environment"), VENEER_PROGRAM};
    argv.insert(argv.end(), words.begin(), words.end());
    return RunCommand(argv);
  };
  RequireError(list({"list"}), 1, "list", {scratch / "from-environment"});
  RequireError(list({"--store", scratch / "from-option", "list"}), 1, "list", {scratch / "from-option"});
}

}  // namespace
}  // namespace veneer::test
