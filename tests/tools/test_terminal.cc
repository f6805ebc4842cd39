// What is drawn on a terminal, and what is not.
#include <pty.h>
#include <unistd.h>

#include <array>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

// Runs the program with a terminal as standard error; returns what it wrote there.
std::string OnTerminal(const std::vector<std::string>& words) {
  int master = -1;
  int slave = -1;
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
  const UniqueFd ours(master);
  UniqueFd theirs(slave);
  Command command(VeneerCommand(words), theirs.get());
  theirs.reset();
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ours.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  CHECK(command.Wait().status == 0);
  return text;
}

TEST_CASE("progress is drawn on a terminal only, and taken away at the end") {
  Workshop workshop;
  const std::string layer = workshop.Sealed();
  const std::string drawn = OnTerminal({"inspect", "--verify", layer});
  INFO(drawn);
  CHECK(drawn.find("checking") != std::string::npos);
  CHECK(drawn.find(" %") != std::string::npos);
  const std::string erased = "\r\x1b[K";
  REQUIRE(drawn.size() > erased.size());
  CHECK(drawn.substr(drawn.size() - erased.size()) == erased);
  CHECK(drawn.find('\n') == std::string::npos);

  CHECK(OnTerminal({"--quiet", "inspect", "--verify", layer}) == "");
  CHECK(OnTerminal({"--json", "inspect", "--verify", layer}) == "");
  CHECK(Veneer({"inspect", "--verify", layer}).err == "");
}

}  // namespace
}  // namespace veneer::test
