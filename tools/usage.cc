#include "tools/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace veneer::tools {
namespace {

// The option of the program itself that stands among `words`, where a verb's options were expected.
std::string MisplacedGlobal(const CLI::App& program, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (program.get_option_no_throw(name) != nullptr) return name;
  }
  return {};
}

std::string WhatIsWrong(const CLI::App& program, const CLI::App* verb, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = program.remaining(true);
  if (verb == nullptr) {
    const bool option = !unknown.empty() && unknown.front().size() > 1 && unknown.front()[0] == '-';
    if (option) return unknown.front() + ": no such option";
    if (!unknown.empty()) return unknown.front() + ": no such verb";
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return "a verb is needed";
    return error.what();
  }
  const std::string misplaced = MisplacedGlobal(program, unknown);
  if (!misplaced.empty()) return misplaced + ": stands before the verb, not behind it";
  return error.what();
}

}  // namespace

Error UsageError(const CLI::App& program, const CLI::App* verb, const CLI::ParseError& error) {
  const std::string command = verb == nullptr ? "veneer" : "veneer " + verb->get_name();
  return Error(ErrorCode::kUsage,
               fmt::format("{}; run: {} --help", WhatIsWrong(program, verb, error), command));
}

}  // namespace veneer::tools
