// A store under attack: each thing that is tried must be refused with its own code, and change nothing.
#pragma once

#include <string>

#include "tests/tools/forge.h"
#include "tests/tools/policy_store.h"
#include "tests/tools/snapshot.h"

namespace veneer::test {

class AttackedStore : public PolicyStore {
 public:
  // Requires that `words` end with `status` and `code`, and that the store is as it was.
  void Repels(const std::vector<std::string>& words, const std::string& code, int status = 4) const {
    const auto before = TakeSnapshot(path());
    CHECK(Json(words, status).at("error").at("code") == code);
    CHECK(TakeSnapshot(path()) == before);
  }

  // Requires that installing `file` is refused so, and that why-not gives the same code first.
  void RepelsFile(const std::string& file, const std::string& code) const {
    Repels({"install", file}, code);
    Repels({"why-not", file}, code);
  }

  // A good patch to start from.
  std::string Good() const { return Patch("good", "lib", 2); }
  std::string Forged() const { return shop / "forged.layer"; }
  std::string Keys() const { return shop / "keys"; }
  std::string Trust(const std::string& file) const { return path() + "/trust/" + file; }
};

}  // namespace veneer::test
