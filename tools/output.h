// What the program says: words or one JSON object on standard output, errors on standard error.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "fs/base/error.h"
#include "tools/command.h"

namespace veneer::tools {

using Json = nlohmann::ordered_json;

// One answer to one command. For one thread.
class Output {
 public:
  explicit Output(const Globals& globals)
      : json_wanted_(globals.json), quiet_(globals.quiet), store_(globals.store) {}

  // A line of the answer, for a person: nothing with --json. Whatever the arguments hold, it stays one line
  // (see Printable).
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    if (!json_wanted_) Print(fmt::format(format, std::forward<Args>(args)...));
  }

  // Likewise, a line that only tells what was done: nothing with --quiet either.
  template <typename... Args>
  void Note(fmt::format_string<Args...> format, Args&&... args) {
    if (!quiet_) Line(format, std::forward<Args>(args)...);
  }

  // The answer for a script: keys of the one object. Strings must be UTF-8 (ToUtf8).
  Json& json() { return json_; }

  // Whether making a costly part of the JSON is worth while.
  bool json_wanted() const { return json_wanted_; }

  // From here on an error is about the layer `name`: its id, or its file where the id is not known.
  void SetLayer(std::string name) { layer_ = std::move(name); }

  // Ends the answer. An error goes to standard error as "veneer: VERB: MESSAGE" on one line ("veneer:
  // MESSAGE" where `verb` is empty), and with --json into the object too, beside what the verb had put there.
  // Returns the exit status; failing to write standard output is a failure.
  int Finish(std::string_view verb, const Status& outcome);

 private:
  void Print(std::string_view line) const;
  void PrintJson(const Status& status);

  bool json_wanted_;
  bool quiet_;
  std::string store_;  // what commands in messages are for: see NameStore
  Json json_ = Json::object();
  std::string layer_;
};

}  // namespace veneer::tools
