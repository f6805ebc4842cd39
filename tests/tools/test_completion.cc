// The completion for bash, held against the program itself.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "tests/tools/program.h"
#include "tools/verbs.h"

namespace veneer::test {
namespace {

using Words = std::vector<std::string>;

// What bash would offer behind `words`, whose last one is being typed.
Words Complete(const Words& words) {
  Words argv = {
      "bash", "-c",
      R"(. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _veneer; printf '%s\n' "${COMPREPLY[@]}")",
      VENEER_COMPLETION, "veneer"};
  argv.insert(argv.end(), words.begin(), words.end());
  const CommandResult result = RunCommand(argv);
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(result.err == "");
  std::istringstream lines(result.out);
  Words offered;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) offered.push_back(line);
  }
  std::sort(offered.begin(), offered.end());
  return offered;
}

// The long options of `app`, --help among them.
Words LongOptions(const CLI::App& app) {
  Words names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST_CASE("completion offers the verbs of the program") {
  Words verbs;
  for (const tools::Verb& verb : tools::Verbs()) verbs.emplace_back(verb.name);
  std::sort(verbs.begin(), verbs.end());
  CHECK(Complete({""}) == verbs);
  CHECK(Complete({"--json", "--store", "/tmp", ""}) == verbs);
  CHECK(Complete({"insp"}) == Words{"inspect"});
}

TEST_CASE("completion offers the options of each verb") {
  for (const tools::Verb& verb : tools::Verbs()) {
    INFO(verb.name);
    CLI::App app;
    verb.add(app);
    CHECK(Complete({verb.name, "--"}) == LongOptions(app));
  }
}

TEST_CASE("completion offers the global options") {
  const std::string help = Veneer({"--help"}).out;
  const Words offered = Complete({"--"});
  for (const std::string& option : offered) {
    INFO(option);
    CHECK(help.find(option + " ") != std::string::npos);
  }
  CHECK(offered.size() == 6);
}

TEST_CASE("completion offers files and folders where they belong") {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "folder");
  REQUIRE_OK(io::WriteFileAtomically(scratch / "file", {}));
  const std::string prefix = scratch / "f";
  CHECK(Complete({"inspect", prefix}) == Words{scratch / "file", scratch / "folder"});
  CHECK(Complete({"keygen", prefix}) == Words{scratch / "folder"});
  CHECK(Complete({"--store", prefix}) == Words{scratch / "folder"});
  CHECK(Complete({"seal", "--key", prefix}) == Words{scratch / "file", scratch / "folder"});
  CHECK(Complete({"list", prefix}).empty());
}

}  // namespace
}  // namespace veneer::test
