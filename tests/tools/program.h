// The real program, as a child, with a workshop of things to work on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/run_command.h"
#include "tests/support/scratch.h"

namespace veneer::test {

// The arguments that run `program` with `words`, in an environment that names no store and no time.
std::vector<std::string> CommandOf(const std::string& program, const std::vector<std::string>& words);

// Likewise, those that run the program.
std::vector<std::string> VeneerCommand(const std::vector<std::string>& words);

CommandResult Veneer(const std::vector<std::string>& words);

// Runs it with --json in front: its one object.
nlohmann::json VeneerJson(std::vector<std::string> words, int status = 0);

// Requires that it failed with `status` and one line, "veneer: VERB: ..." ("veneer: ..." for no verb), which
// holds each of `parts`.
void RequireErrorLine(const CommandResult& result, int status, const std::string& verb,
                      const std::vector<std::string>& parts = {});

// Likewise, and that it said nothing else.
void RequireError(const CommandResult& result, int status, const std::string& verb,
                  const std::vector<std::string>& parts = {});

// A folder with what the verbs work on, made by the program itself where it makes such things.
class Workshop {
 public:
  // Keys in keys/ that trust/ trusts in every role, and a small tree.
  Workshop();

  std::string operator/(const std::string& name) const { return scratch_ / name; }
  const std::string& path() const { return scratch_.path(); }
  std::string tree() const { return scratch_ / "tree"; }
  std::string trust() const { return scratch_ / "trust"; }
  std::string key() const { return scratch_ / "keys/signer.key"; }
  std::string certificate() const { return scratch_ / "keys/signer.pem"; }

  // The words that seal the tree into `output`.
  std::vector<std::string> SealWords(const std::string& output) const;

  // Seals the tree into base.layer, once, and returns its path.
  std::string Sealed();

  // Writes `content` to `name` in the folder and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;
  std::string Read(const std::string& path) const;

 private:
  Scratch scratch_;
};

}  // namespace veneer::test
