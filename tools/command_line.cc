#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string>

#include "fs/catalog/store.h"
#include "tools/no_memory.h"
#include "tools/output.h"
#include "tools/usage.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr const char* kExitStatuses =
    "Exit status: 0 done, 1 failed, 2 usage, 3 integrity damage found, 4 refused by signature or policy,\n"
    "5 busy or locked, 130 interrupted.";

// Gives `program` the options that come before the verb; what they say goes into `globals`.
void AddGlobalOptions(CLI::App& program, Globals& globals) {
  globals.store = catalog::kDefaultStore;
  program.add_option("--store", globals.store, "Folder of the store")
      ->envname("VENEER_STORE")
      ->capture_default_str()
      ->type_name("DIR");
  program.add_option("--trust", globals.trust, "Trust folder, in place of the store's own")->type_name("DIR");
  program.add_flag("--json", globals.json, "One JSON object on standard output");
  program.add_flag("--quiet", globals.quiet, "No progress, and no words but the answer and errors");
  program.set_version_flag("--version", "veneer " VENEER_VERSION, "Show the version and end");
}

Status Perform(const Action& action, const Globals& globals, Output& output) {
  if (globals.store.empty()) return Fail(ErrorCode::kUsage, "--store: is empty");
  return Guarded([&] { return action(globals, output); });
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv, const catalog::Medium& medium) {
  CLI::App program("Keeps a system image sealed, and fixes it with signed patch layers.", "veneer");
  program.set_help_flag("-h,--help", "Show this help and end");
  program.require_subcommand(1);
  program.footer(kExitStatuses);
  program.get_formatter()->label("SUBCOMMAND", "VERB");
  program.get_formatter()->label("REQUIRED", "(required)");
  Globals globals;
  globals.medium = medium;
  AddGlobalOptions(program, globals);
  std::map<const CLI::App*, Action> actions;
  for (const Verb& verb : Verbs()) {
    CLI::App* const added = program.add_subcommand(verb.name)->group("Verbs");
    added->footer("The options of `veneer --help` come before the verb.");
    actions.emplace(added, verb.add(*added));
  }

  const auto verb = [&]() -> const CLI::App* {
    return program.get_subcommands().empty() ? nullptr : program.get_subcommands().front();
  };
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return program.exit(help_or_version, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    Globals wanted;
    wanted.json = program.get_option("--json")->count() > 0;
    const CLI::App* const wrong = program.remaining().empty() ? verb() : nullptr;
    const std::string name = wrong == nullptr ? "" : wrong->get_name();
    return Output(wanted).Finish(name, tl::unexpected(UsageError(program, wrong, error)));
  }
  Output output(globals);
  const Status status = Perform(actions.at(verb()), globals, output);
  return output.Finish(verb()->get_name(), status);
}

}  // namespace veneer::tools
