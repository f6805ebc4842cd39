#include "tools/manifest_view.h"

#include <algorithm>

#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr const char* kNotVerified = "signature not verified: no trust folder given";

Json JsonOf(const crypto::SignerDescription& signer) {
  return {{"subject", ToUtf8(signer.subject)},
          {"issuer", ToUtf8(signer.issuer)},
          {"serial", signer.serial},
          {"key_fingerprint", signer.key_fingerprint},
          {"not_after", signer.not_after}};
}

void ShowJudgement(const JudgedManifest& judged, const crypto::TrustStore* trust, Output& output) {
  output.json()["trusted"] = judged.trusted();
  if (trust == nullptr) {
    output.json()["reason"] = {{"code", "not-verified"}, {"message", kNotVerified}};
    output.Line("{}; what follows is only claimed", kNotVerified);
  } else if (judged.refusal) {
    const std::string_view word = CodeWord(judged.refusal->code());
    output.json()["reason"] = {{"code", word}, {"message", ToUtf8(judged.refusal->message())}};
    output.Line("signature refused: {} (judged by {}); what follows is only claimed", word, trust->path());
  } else {
    output.Line("signature verified, by the trust folder {}", trust->path());
  }
}

void ShowSigners(const std::vector<crypto::SignerDescription>& signers, Output& output) {
  Json list = Json::array();
  for (const crypto::SignerDescription& signer : signers) {
    list.push_back(JsonOf(signer));
    output.Line("signer     {}, certificate valid until {}", signer.subject, signer.not_after);
  }
  output.json()["signers"] = std::move(list);
}

void ShowSizes(const io::PosixFile& file, const layer::SignedManifest& claim, Output& output) {
  const format::Manifest& manifest = claim.manifest;
  output.json()["sizes"] = {{"file", file.size()},
                            {"image", manifest.image_size},
                            {"tree", manifest.tree_size},
                            {"cms", claim.cms.size()}};
  output.Line("size       {}: image {}, hash tree {}, signed manifest {}", SizeText(file.size()),
              SizeText(manifest.image_size), SizeText(manifest.tree_size), SizeText(claim.cms.size()));
}

std::string ValueText(const Json& value) {
  const auto is_text = [](const Json& item) { return item.is_string(); };
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) return value.dump();
  std::string text;
  for (const Json& item : value) text += (text.empty() ? "" : ", ") + item.get<std::string>();
  return text.empty() ? "none" : text;
}

}  // namespace

void ShowManifest(const io::PosixFile& file, const JudgedManifest& judged, const crypto::TrustStore* trust,
                  Output& output) {
  const layer::SignedManifest& claim = judged.claim;
  const std::string_view kind = format::KindWord(claim.manifest.kind);
  output.json()["file"] = ToUtf8(file.name());
  output.json()["layer_id"] = claim.id;
  output.Line("{}: {} layer \"{}\"", file.name(), kind, claim.manifest.name);
  ShowJudgement(judged, trust, output);
  output.Line("layer id   {}", claim.id);
  ShowSigners(claim.signers, output);
  ShowSizes(file, claim, output);

  // The manifest was parsed strictly before it came here, so this cannot fail.
  const Json manifest = Json::parse(claim.text);
  output.Line("manifest");
  for (const auto& [key, value] : manifest.items()) output.Line("  {}: {}", key, ValueText(value));
  output.json()["manifest"] = manifest;
}

}  // namespace veneer::tools
