#include "tools/options.h"

#include <CLI/CLI.hpp>
#include <charconv>

namespace veneer::tools {

CLI::Option* AddRepeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                           const std::string& description) {
  return verb.add_option(name, values, description)->allow_extra_args(false);
}

CLI::Validator WholeNumber(uint64_t least, uint64_t most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
      return {};
    const std::string limit =
        most == std::numeric_limits<uint64_t>::max() ? "up" : fmt::format("to {}", most);
    return fmt::format("'{}' is not a whole number from {} {}", text, least, limit);
  };
  return {check, ""};
}

void SigningOptions::AddTo(CLI::App& verb) {
  auto* key = AddRepeatable(verb, "--key", keys_,
                            "Private key of the signer: a PEM file, or a URI that OpenSSL knows");
  auto* certificate =
      AddRepeatable(verb, "--cert", certificates_, "The signer's certificate and intermediates, PEM");
  key->type_name("FILE");
  certificate->type_name("FILE");
  verb.add_flag("--unsigned", unsigned_, "Leave it to be signed on another host, by `openssl cms`")
      ->excludes(key)
      ->excludes(certificate);
}

Result<std::vector<crypto::Signer>> SigningOptions::Load() const {
  if (!unsigned_ && keys_.empty() && certificates_.empty()) {
    return Fail(ErrorCode::kUsage, "nobody is named to sign: give --key and --cert, or --unsigned");
  }
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
