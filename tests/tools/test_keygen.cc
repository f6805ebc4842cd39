#include <filesystem>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

TEST_CASE("keygen makes a CA and a signer below it, as openssl sees it") {
  const Scratch scratch;
  const auto json = VeneerJson({"keygen", scratch / "keys", "--name", "Somebody"});
  CHECK(json.at("ca") == scratch / "keys/ca.pem");
  CHECK(json.at("certificate") == scratch / "keys/signer.pem");
  CHECK(json.at("key") == scratch / "keys/signer.key");
  const CommandResult verified =
      RunCommand({"openssl", "verify", "-x509_strict", "-CAfile", json.at("ca"), json.at("certificate")});
  INFO(verified.err);
  CHECK(verified.status == 0);
  const CommandResult subject =
      RunCommand({"openssl", "x509", "-noout", "-subject", "-in", json.at("certificate")});
  CHECK(subject.out.find("Somebody") != std::string::npos);
}

TEST_CASE("keygen overwrites nothing") {
  const Scratch scratch;
  CHECK(Veneer({"keygen", scratch / "keys"}).status == 0);
  RequireError(Veneer({"keygen", scratch / "keys"}), 1, "keygen", {scratch / "keys"});
  CHECK(VeneerJson({"keygen", scratch / "keys"}, 1).at("error").at("code") == "exists");
}

TEST_CASE("keygen where it cannot write") {
  RequireError(Veneer({"keygen", "/proc/keys-of-veneer"}), 1, "keygen", {"/proc/keys-of-veneer"});
}

TEST_CASE("--quiet keeps what only tells") {
  const Scratch scratch;
  CHECK(Veneer({"keygen", scratch / "a"}).out != "");
  const CommandResult quiet = Veneer({"--quiet", "keygen", scratch / "b"});
  CHECK(quiet.status == 0);
  CHECK(quiet.out == "");
  CHECK(std::filesystem::exists(scratch / "b/ca.pem"));
}

}  // namespace
}  // namespace veneer::test
