// What a verb is to the program: a name, the words it takes, and an action.
#pragma once

#include <functional>
#include <string>

#include "fs/base/error.h"
#include "fs/catalog/medium.h"

namespace CLI {
class App;
}

namespace veneer::tools {

class Output;

// The options that come before the verb.
struct Globals {
  std::string store;            // folder of the store; never empty
  std::string trust;            // trust folder in place of the store's; empty: the store's own
  bool json = false;            // one JSON object on standard output, and no words
  bool quiet = false;           // no progress and no words that only tell
  catalog::Medium medium = {};  // through what the store is changed
};

// Does the verb's work and puts its answer into `output`. An error is told to the user and becomes the exit
// status elsewhere, once for all verbs: see Output::Finish.
using Action = std::function<Status(const Globals& globals, Output& output)>;

// One verb, one file: `add` gives `verb` its description and options, and returns the action that uses what
// was parsed into them.
struct Verb {
  const char* name;
  Action (*add)(CLI::App& verb);
};

}  // namespace veneer::tools
