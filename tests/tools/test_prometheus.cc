#include "tools/prometheus.h"

#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/exposition.h"

namespace veneer::test {
namespace {

using tools::Exposition;

TEST_CASE("what is written is read back, whatever the labels hold") {
  Exposition out;
  out.Family("a_total", "counter", "Some.");
  out.Sample({{"mount", "/a \"b\"\\n\nc"}, {"layer", ""}}, 18446744073709551615.0);
  out.Sample({{"mount", "\xff"}, {"layer", "1"}}, 0);
  out.Family("b_seconds", "summary", "Others.");
  out.Sample({}, 1.5e-06, "_sum");
  out.Sample({}, 3, "_count");
  const auto families = ParseExposition(out.text());
  REQUIRE(families.size() == 2);
  CHECK(families.at("a_total").help == "Some.");
  CHECK(families.at("a_total").samples[0].labels.size() == 1);
  CHECK(ValueOf(families, "a_total", {{"mount", "/a \"b\"\\n\nc"}}) == 18446744073709551615.0);
  CHECK(ValueOf(families, "a_total", {{"mount", "\\xff"}, {"layer", "1"}}) == 0);
  CHECK(ValueOf(families, "b_seconds_sum") == 1.5e-06);
  CHECK(out.text().find("b_seconds_count 3\n") != std::string::npos);
}

TEST_CASE("the reader of the tests is strict") {
  const std::string head = "# HELP a_total Some.\n# TYPE a_total counter\n";
  CHECK_NOTHROW(ParseExposition(head + "a_total{x=\"1\"} 1\na_total{x=\"2\"} 1\n"));
  const std::string wrong =
      GENERATE(as<std::string>(),  //
               "a_total 1", "a_total -1\n", "a_total 1 \n", "a_total one\n", "b_total 1\n",
               "a_total{x=\"1\",} 1\n", "a_total{x=\"1\",x=\"1\"} 1\n", "a_total{x=1} 1\n",
               "a_total{x=\"\"\"} 1\n", "a_total 1\na_total 2\n", "\n", "# TYPE a_total counter\n",
               "# HELP a_total Again.\n", "# HELP b Some.\nb 1\n", "# HELP b Some.\n# TYPE b counter\nb 1\n");
  CHECK_THROWS_AS(ParseExposition(head + wrong), std::runtime_error);
}

}  // namespace
}  // namespace veneer::test
