#include "tests/crash/memory_limit.h"

#include <algorithm>
#include <csignal>

#include "tests/support/catch.h"

namespace veneer::test {
namespace {

constexpr uint64_t kMost = 1 << 30;
constexpr uint64_t kExact = 64 << 10;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CommandResult RunLimited(const MemoryLimit& limit, const std::vector<std::string>& argv) {
  std::vector<std::string> words = {"prlimit", "--" + limit.resource + "=" + std::to_string(limit.bytes)};
  words.insert(words.end(), argv.begin(), argv.end());
  return RunCommand(words);
}

MemoryLimit LowestLimit(const std::string& resource, const std::function<bool(const MemoryLimit&)>& works) {
  uint64_t fails = 0;
  uint64_t enough = kMost;
  REQUIRE(works({resource, enough}));
  while (enough - fails > kExact) {
    const uint64_t middle = fails + (enough - fails) / 2;
    (works({resource, middle}) ? enough : fails) = middle;
  }
  return {resource, enough};
}

std::vector<MemoryLimit> FallingLimits(const std::string& resource, int steps,
                                       const std::function<bool(const MemoryLimit&)>& works) {
  const auto loads_with = [](const MemoryLimit& limit) {
    return RunLimited(limit, {VENEER_PROGRAM, "--version"}).status == 0;
  };
  const uint64_t loads = LowestLimit(resource, loads_with).bytes;
  const uint64_t enough = LowestLimit(resource, works).bytes;
  std::vector<MemoryLimit> limits;
  for (int i = steps; i > 0; --i) {
    const uint64_t bytes = loads + (std::max(enough, loads) - loads) * static_cast<uint64_t>(i - 1) /
                                       static_cast<uint64_t>(steps);
    limits.push_back({resource, bytes});
  }
  return limits;
}

void RequireOutOfMemory(const CommandResult& result, const std::string& verb, const std::string& helper) {
  INFO(result.out << result.err);
  // RocksDB 7.8 writes through what malloc(3) gave without a look at it. Nothing is lost by that either.
  if (result.status == 128 + SIGSEGV) return;
  CHECK(result.status == 1);
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK((result.err.starts_with("veneer: " + verb + ": ") || result.err == "veneer: out of memory\n"));
  CHECK((Has(result.err, "ut of memory") || Has(result.err, "annot allocate memory") ||
         (!helper.empty() && Has(result.err, helper))));
}

}  // namespace veneer::test
