// Several changes of one store at the same time: each waits for its turn, and says so.
#include <csignal>
#include <memory>
#include <set>

#include "fs/catalog/catalog_lock.h"
#include "tests/tools/error_pipe.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

std::unique_ptr<Command> Start(const PolicyStore& store, std::vector<std::string> words) {
  words.insert(words.begin(), {"--store", store.path()});
  return std::make_unique<Command>(VeneerCommand(words));
}

void RequireDone(Command& command) {
  const CommandResult result = command.Wait();
  INFO(result.out << result.err);
  CHECK(result.status == 0);
}

TEST_CASE("a change that finds another one under way waits with a message, or until it is stopped") {
  const PolicyStore store;
  for (const std::string verb : {"activate", "repair-catalog", "gc"}) {
    for (const int signal : {0, SIGINT, SIGTERM, SIGHUP}) {
      INFO(verb << ", signal " << signal);
      auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(0));
      REQUIRE_OK(held);
      ErrorPipe error;
      Command command(VeneerCommand({"--store", store.path(), verb}), error.write());
      CHECK(error.ReadLine() == "veneer: " + store.path() + ": another change is under way, waiting for it");
      if (signal == 0) {
        held->reset();
        CHECK(command.Wait().status == 0);
      } else {
        command.Signal(signal);
        CHECK(command.Wait().status == 130);
        CHECK(error.ReadLine() == "veneer: " + verb + ": interrupted");
      }
    }
  }
}

TEST_CASE("twenty changes at once are as twenty one after the other") {
  constexpr unsigned kPatches = 16;
  const PolicyStore store;
  std::vector<std::string> files;
  for (unsigned i = 0; i < kPatches; ++i) {
    const std::string component = "c" + std::to_string(i);
    files.push_back(store.Patch(component, component, 1));
  }
  std::vector<std::unique_ptr<Command>> commands;
  for (unsigned i = 0; i < kPatches; ++i) {
    commands.push_back(Start(store, {"install", files[i], "--activate"}));
    if (i % 4 == 3) commands.push_back(Start(store, {i % 8 == 3 ? "gc" : "repair-catalog"}));
  }
  CHECK(commands.size() == 20);
  for (const auto& command : commands) RequireDone(*command);
  // Whatever the order: all are there, each activation kept what was active before it.
  const auto current = store.Current();
  CHECK(current.front() == store.base);
  CHECK(std::set<std::string>(current.begin(), current.end()).size() == kPatches + 1);
  CHECK(store.Json({"scan"}).at("findings").empty());
}

}  // namespace
}  // namespace veneer::test
