// Commands that run at once, and the order in which they took their turns.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/catalog/records.h"
#include "tests/tools/error_pipe.h"
#include "tests/tools/program.h"

namespace veneer::test {

// One of the commands, under way.
class Contestant {
 public:
  // `words` on the store `store`, on which another change is under way.
  Contestant(const std::string& store, const std::vector<std::string>& words);

  // Returns when it has said that it waits for another change.
  void RequireWaits();

  // Waits for its end: it has succeeded, and said nothing else.
  void RequireDone();

  const std::vector<std::string>& words() const { return words_; }
  const nlohmann::json& answer() const { return answer_; }

 private:
  std::string store_;
  std::vector<std::string> words_;
  ErrorPipe error_;
  std::unique_ptr<Command> command_;
  nlohmann::json answer_;
};

// What commands have written down, oldest first; what servers say of mounts is left out.
struct Record {
  // Reads that of the store `path`.
  explicit Record(const std::string& path);

  // All but numbers and times, in which the servers' events and the clock have a part.
  std::vector<std::string> Lines() const;

  std::vector<catalog::GenerationRecord> generations;
  std::vector<catalog::Event> events;
};

// Where in the order of the history: an event, and 0, or 1 for what comes behind it.
using Place = std::pair<uint64_t, int>;

// Where a command that answered `answer` took its turn; nothing if it neither changed anything nor showed
// what was current. The first `begin` events of `record` are older than all of them.
std::optional<Place> PlaceOf(const nlohmann::json& answer, const Record& record, size_t begin);

// Runs the same commands on the store `path`, one after the other, and requires that each answers as it did.
void Replay(const std::string& path, const std::multimap<Place, const Contestant*>& order);

}  // namespace veneer::test
