// A program that was built without the TPM software stack.
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

TEST_CASE("without a TPM's software nothing is taken in where the policy asks for one, and all else works") {
  const PolicyStore store;
  store.Install(store.Patch("one", "lib", 1));
  store.SetPolicy(R"({"schema": 1, "tpm": {"nv_index": "0x01800042", "tcti": ""}})");
  const std::string second = store.Patch("two", "lib", 2);
  RequireErrorLine(store.Run({"install", second}), 1, "install", {"TPM", "built without"});
  CHECK(store.Json({"list"}).at("layers").size() == 2);
  store.Json({"activate"});
  store.Json({"revert", "--all"});
}

}  // namespace
}  // namespace veneer::test
