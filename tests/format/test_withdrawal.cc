#include "fs/format/withdrawal.h"

#include <nlohmann/json.hpp>

#include "fs/io/file_ops.h"
#include "tests/support/catch.h"

namespace veneer::format {
namespace {

Withdrawal Sample() {
  return {.layer = std::string(64, 'd'),
          .component = "openssl",
          .sequence = 27,
          .reason = "breaks TLS to old servers",
          .created = "2026-01-31T12:00:00Z"};
}

nlohmann::json Object() {
  return nlohmann::json::parse(WriteWithdrawal(Sample()));
}

Result<Withdrawal> Parse(const nlohmann::json& object) {
  return ParseWithdrawal(AsBytes(object.dump()));
}

TEST_CASE("a withdrawal comes back as it was written") {
  const auto back = ParseWithdrawal(AsBytes(WriteWithdrawal(Sample())));
  REQUIRE_OK(back);
  CHECK(back->layer == Sample().layer);
  CHECK(back->component == "openssl");
  CHECK(back->sequence == 27);
  CHECK(back->reason == Sample().reason);
  CHECK(back->created == Sample().created);
}

TEST_CASE("a withdrawal is written as the golden file has it") {
  const auto golden = io::ReadWholeFile(VENEER_GOLDEN "/withdrawal.json", 1 << 16);
  REQUIRE_OK(golden);
  CHECK(WriteWithdrawal(Sample()) == AsText(*golden));
  REQUIRE_OK(ParseWithdrawal(*golden));
}

TEST_CASE("unknown keys of a withdrawal are passed over, and an id in capitals is the same id") {
  nlohmann::json object = Object();
  object["more"] = {1, 2};
  object["layer"] = std::string(64, 'D');
  const auto read = Parse(object);
  REQUIRE_OK(read);
  CHECK(read->layer == Sample().layer);
}

TEST_CASE("what is not a withdrawal is refused, with the key") {
  const std::vector<std::pair<const char*, nlohmann::json>> faults = {
      {"kind", "feed"},          {"layer", "dd"},    {"layer", std::string(64, 'g')},
      {"component", "Open SSL"}, {"sequence", 0},    {"sequence", -1},
      {"sequence", "1"},         {"reason", ""},     {"reason", "two\nlines"},
      {"created", "yesterday"},  {"created", false}, {"reason", std::string(4097, 'r')},
  };
  for (const auto& [key, value] : faults) {
    INFO(key << " = " << value);
    nlohmann::json object = Object();
    object[key] = value;
    const auto read = Parse(object);
    REQUIRE_FAILS(ErrorCode::kCorrupt, read);
    CHECK(read.error().message().find(key) != std::string::npos);
  }
  for (const char* key : {"kind", "layer", "component", "sequence", "reason", "created", "schema"}) {
    INFO(key);
    nlohmann::json object = Object();
    object.erase(key);
    REQUIRE_FAILS(ErrorCode::kCorrupt, Parse(object));
  }
  nlohmann::json newer = Object();
  newer["schema"] = 2;
  REQUIRE_FAILS(ErrorCode::kUnsupportedSchema, Parse(newer));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ParseWithdrawal(AsBytes("[]")));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ParseWithdrawal(Bytes(kMaxWithdrawalSize + 1, ' ')));
}

}  // namespace
}  // namespace veneer::format
