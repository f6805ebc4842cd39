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

// A word that nothing takes.
std::string Unexpected(const std::string& word) {
  if (word.size() > 1 && word[0] == '-') return word + ": no such option";
  return word + ": one word too many";
}

std::string WhatIsWrong(const CLI::App& program, const CLI::App* verb, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = program.remaining(true);
  if (verb == nullptr && !unknown.empty()) {
    const std::string& word = unknown.front();
    return word[0] == '-' ? Unexpected(word) : word + ": no such verb";
  }
  if (verb == nullptr && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return "a verb is needed";
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  const std::string misplaced = MisplacedGlobal(program, unknown);
  return misplaced.empty() ? Unexpected(unknown.front())
                           : misplaced + ": stands before the verb, not behind it";
}

}  // namespace

Error UsageError(const CLI::App& program, const CLI::App* verb, const CLI::ParseError& error) {
  const std::string command = verb == nullptr ? "veneer" : "veneer " + verb->get_name();
  return Error(ErrorCode::kUsage,
               fmt::format("{}; run: {} --help", WhatIsWrong(program, verb, error), command));
}

}  // namespace veneer::tools
