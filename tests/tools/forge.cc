#include "tests/tools/forge.h"

#include <fstream>
#include <sstream>

#include "fs/crypto/cms.h"
#include "tests/support/catch.h"

namespace veneer::test {

std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

LayerParts TakeApart(const std::string& file) {
  const std::string bytes = ReadFile(file);
  REQUIRE(bytes.size() > sizeof(format::RawTrailer));
  const auto trailer = format::DecodeTrailer(AsBytes(bytes).last(sizeof(format::RawTrailer)), bytes.size());
  REQUIRE_OK(trailer);
  LayerParts parts;
  parts.trailer = *trailer;
  parts.image = bytes.substr(0, trailer->image_size);
  parts.tree = bytes.substr(trailer->tree_offset, trailer->tree_size);
  parts.cms = bytes.substr(trailer->cms_offset, trailer->cms_size);
  const auto content = crypto::CmsShowUnverified(AsBytes(parts.cms));
  REQUIRE_OK(content);
  parts.manifest = AsText(content->content);
  return parts;
}

void PutTogether(const LayerParts& parts, const std::string& file) {
  format::Trailer trailer = parts.trailer;
  trailer.cms_size = parts.cms.size();
  WriteFile(file, parts.image + parts.tree + parts.cms + std::string(AsText(format::EncodeTrailer(trailer))));
}

std::string Sign(const std::string& manifest, const std::string& keys) {
  std::vector<crypto::Signer> signers;
  auto signer = crypto::Signer::Load(keys + "/signer.key", keys + "/signer.pem");
  REQUIRE_OK(signer);
  signers.push_back(std::move(*signer));
  const auto der = crypto::CmsSign(AsBytes(manifest), signers);
  REQUIRE_OK(der);
  return std::string(AsText(*der));
}

void Reseal(const std::string& from, const std::string& to, const std::string& keys,
            const std::function<void(nlohmann::ordered_json&)>& edit) {
  LayerParts parts = TakeApart(from);
  auto manifest = nlohmann::ordered_json::parse(parts.manifest);
  edit(manifest);
  parts.cms = Sign(manifest.dump(2), keys);
  PutTogether(parts, to);
}

void CopyWithDamage(const std::string& from, const std::string& to, size_t offset) {
  std::string bytes = ReadFile(from);
  REQUIRE(offset < bytes.size());
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  WriteFile(to, bytes);
}

}  // namespace veneer::test
