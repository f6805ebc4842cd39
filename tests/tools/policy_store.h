// A store whose policy is put to the test: a base that is active, and patches for it made by the program.
#pragma once

#include <string>
#include <vector>

#include "tests/tools/program.h"

namespace veneer::test {

class PolicyStore {
 public:
  // A store with the workshop's base installed and current.
  PolicyStore();

  // The program on this store.
  CommandResult Run(std::vector<std::string> words) const;
  nlohmann::json Json(std::vector<std::string> words, int status = 0) const;

  // Requires that `words` are refused with `code`.
  void RequireRefusal(const std::vector<std::string>& words, const std::string& code) const;

  // Makes NAME.layer, a patch of `component` that changes usr/lib/COMPONENT, with `more` options of the verb.
  std::string Patch(const std::string& name, const std::string& component, unsigned sequence,
                    const std::vector<std::string>& more = {}) const;

  // Likewise, one that changes the file `changed`, signed by the keys in the folder `keys`.
  struct PatchOptions {
    std::string changed;
    std::string keys;  // empty: the workshop's
    std::vector<std::string> more;
    std::string base = {};  // layer file; empty: the workshop's
  };
  std::string PatchWith(const std::string& name, const std::string& component, unsigned sequence,
                        const PatchOptions& options) const;

  // Seals the workshop's tree as VERSION of its system, into VERSION.layer.
  std::string Base(const std::string& version) const;

  // Makes NAME.withdrawal of `layer`, a file or a layer of the store.
  std::string Withdraw(const std::string& name, const std::string& layer) const;

  // Installs `file` and returns its layer id.
  std::string Install(const std::string& file) const;

  void SetPolicy(const std::string& json) const { shop.Write("store/trust/policy.json", json); }

  // The ids of the current layers, base first.
  std::vector<std::string> Current() const;

  Workshop shop;
  std::string base;  // its id

  std::string path() const { return shop / "store"; }
};

}  // namespace veneer::test
