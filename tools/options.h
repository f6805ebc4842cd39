// Options that several verbs share.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/crypto/cms.h"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace veneer::tools {

// An option with one value that may be given again and again. (CLI11 by itself would let one such option eat
// all the words behind it, positional ones too.)
CLI::Option* AddRepeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                           const std::string& description);

// A check that an option's value is a whole number from `least` to `most`, with a message that a person can
// read.
CLI::Validator WholeNumber(uint64_t least, uint64_t most = std::numeric_limits<uint64_t>::max());

// `--key K --cert C`, once for each signer, or `--unsigned`.
class SigningOptions {
 public:
  void AddTo(CLI::App& verb);

  // The signers, in the order given; none for --unsigned. kUsage if keys and certificates do not come in
  // pairs, or neither they nor --unsigned are there; the errors of Signer::Load.
  Result<std::vector<crypto::Signer>> Load() const;

 private:
  std::vector<std::string> keys_;
  std::vector<std::string> certificates_;
  bool unsigned_ = false;
};

}  // namespace veneer::tools
