// Layer files taken apart and put together wrongly, as an attacker would.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "fs/base/bytes.h"
#include "fs/format/trailer.h"

namespace veneer::test {

struct LayerParts {
  std::string image;
  std::string tree;
  std::string cms;
  std::string manifest;  // what `cms` signs
  format::Trailer trailer;
};

LayerParts TakeApart(const std::string& file);

// Writes the parts to `file`. The trailer gets the size of `cms`; all else of it stays as it is.
void PutTogether(const LayerParts& parts, const std::string& file);

// `manifest` signed by signer.key and signer.pem of the folder `keys`.
std::string Sign(const std::string& manifest, const std::string& keys);

// Copies the layer `from` to `to` with its manifest changed by `edit` and signed anew.
void Reseal(const std::string& from, const std::string& to, const std::string& keys,
            const std::function<void(nlohmann::ordered_json&)>& edit);

// Copies `from` to `to` with one bit of the byte at `offset` turned.
void CopyWithDamage(const std::string& from, const std::string& to, size_t offset);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace veneer::test
