// Keys, trees and layers for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/trust_store.h"
#include "fs/format/manifest.h"
#include "fs/io/random_access_file.h"
#include "fs/layer/layer.h"
#include "fs/layer/seal.h"
#include "tests/support/scratch.h"

namespace veneer::test {

// A development CA with one signer.
struct Keys {
  // Makes them in the folder `path`.
  explicit Keys(const std::string& path);

  std::string ca_path;
  std::vector<crypto::Signer> signers;
};

// A scratch folder with two sets of keys: `base` is trusted for bases, `patch` for patches.
class LayerFixture {
 public:
  LayerFixture();

  std::string At(const std::string& name) const { return scratch_ / name; }

  Result<layer::SealResult> SealBase(const std::string& tree, const std::string& output,
                                     const layer::Progress& progress = {}) const;
  Result<layer::SealResult> SealPatch(const std::string& tree, const std::string& output) const;

  Result<std::shared_ptr<const layer::Layer>> Open(std::shared_ptr<const io::RandomAccessFile> file) const;
  Result<std::shared_ptr<const layer::Layer>> Open(const std::string& path) const;
  Result<std::shared_ptr<const layer::Layer>> Open(Bytes bytes) const;

  const Keys& base_keys() const { return base_keys_; }
  const Keys& patch_keys() const { return patch_keys_; }
  const crypto::TrustStore& trust() const { return *trust_; }

 private:
  Scratch scratch_;
  Keys base_keys_;
  Keys patch_keys_;
  std::shared_ptr<const crypto::TrustStore> trust_;
};

format::Manifest BaseManifest();
format::Manifest PatchManifest();

// Makes a folder `path` of a few files.
void MakeSmallTree(const std::string& path);

// All bytes of the file `path`.
Bytes ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view text);

// A digest of all that a layer's image shows: names, metadata, xattrs, content. The error of the first read
// that fails.
Result<Digest> ReadAll(const layer::Layer& layer);

}  // namespace veneer::test
