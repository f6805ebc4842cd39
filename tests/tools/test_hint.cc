#include "tools/hint.h"

#include <cstdlib>

#include "tests/tools/program.h"

namespace veneer::tools {
namespace {

TEST_CASE("a command in a message names the store, unless it is meant without") {
  ::unsetenv("VENEER_STORE");
  CHECK(NameStore("gone; run: veneer list", "/var/lib/veneer") == "gone; run: veneer list");
  CHECK(NameStore("gone; run: veneer list", "") == "gone; run: veneer list");
  CHECK(NameStore("gone; run: veneer list", "s") == "gone; run: veneer --store s list");
  CHECK(NameStore("run: veneer a; or run: veneer b", "s") ==
        "run: veneer --store s a; or run: veneer --store s b");
  CHECK(NameStore("run: veneer list", "it's here") == "run: veneer --store 'it'\\''s here' list");
  CHECK(NameStore("run: umount /mnt", "s") == "run: umount /mnt");
  ::setenv("VENEER_STORE", "s", 1);
  CHECK(NameStore("run: veneer list", "s") == "run: veneer list");
  CHECK(NameStore("run: veneer list", "/var/lib/veneer") == "run: veneer --store /var/lib/veneer list");
  ::unsetenv("VENEER_STORE");
}

TEST_CASE("the program names the store in its hints, and in those of usage names none") {
  const test::Workshop shop;
  const std::string store = shop / "none";
  test::RequireError(test::Veneer({"--store", store, "list"}), 1, "list",
                     {"run: veneer --store " + store + " init"});
  const auto json = test::VeneerJson({"--store", store, "list"}, 1);
  CHECK(std::string(json.at("error").at("message")).find("veneer --store " + store) != std::string::npos);
  test::RequireError(test::Veneer({"--store", store, "list", "--frob"}), 2, "list",
                     {"run: veneer list --help"});
}

}  // namespace
}  // namespace veneer::tools
