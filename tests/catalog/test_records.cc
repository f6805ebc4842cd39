#include "fs/catalog/records.h"

#include <array>
#include <cstdio>
#include <string>

#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// What `printf '%s\n' ID... | sha256sum` prints.
std::string BySha256Sum(const std::vector<std::string>& layers) {
  std::string command = "printf '%s\\n'";
  for (const std::string& id : layers) command += " " + id;
  FILE* const pipe = popen((command + " | sha256sum").c_str(), "re");
  REQUIRE(pipe != nullptr);
  std::array<char, 65> hex{};
  REQUIRE(std::fread(hex.data(), 1, 64, pipe) == 64);
  REQUIRE(pclose(pipe) == 0);
  return hex.data();
}

TEST_CASE("the effective root is what sha256sum makes of the ids") {
  const std::vector<std::string> one = {SampleId(1)};
  const std::vector<std::string> three = {SampleId(1), SampleId(2), SampleId(3)};
  CHECK(ToHex(EffectiveRoot(one)) == BySha256Sum(one));
  CHECK(ToHex(EffectiveRoot(three)) == BySha256Sum(three));
}

TEST_CASE("the effective root tells the order of the layers") {
  CHECK(EffectiveRoot({SampleId(1), SampleId(2)}) != EffectiveRoot({SampleId(2), SampleId(1)}));
}

}  // namespace
}  // namespace veneer::catalog::testing
