#include "tools/options.h"

#include <CLI/CLI.hpp>

namespace veneer::tools {

CLI::Option* AddRepeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                           const std::string& description) {
  return verb.add_option(name, values, description)->allow_extra_args(false);
}

void SigningOptions::AddTo(CLI::App& verb) {
  AddRepeatable(verb, "--key", keys_, "Private key of the signer, PEM")->required()->type_name("FILE");
  AddRepeatable(verb, "--cert", certificates_, "The signer's certificate and intermediates, PEM")
      ->required()
      ->type_name("FILE");
}

Result<std::vector<crypto::Signer>> SigningOptions::Load() const {
  if (keys_.size() != certificates_.size()) {
    return Fail(ErrorCode::kUsage, "--key is given {} times and --cert {} times; each signer needs both",
                keys_.size(), certificates_.size());
  }
  std::vector<crypto::Signer> signers;
  for (size_t i = 0; i < keys_.size(); ++i) {
    VENEER_ASSIGN(crypto::Signer signer, crypto::Signer::Load(keys_[i], certificates_[i]));
    signers.push_back(std::move(signer));
  }
  return signers;
}

}  // namespace veneer::tools
