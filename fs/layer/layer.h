// A sealed layer file, opened in the order of trust: trailer (bounds only), CMS signature, manifest, root
// hash, hash tree, blocks. Nothing is parsed before its authenticator has passed. See docs/format/layer.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/trust_store.h"
#include "fs/erofs/image.h"
#include "fs/format/manifest.h"
#include "fs/format/trailer.h"
#include "fs/io/random_access_file.h"
#include "fs/verity/block_cache.h"
#include "fs/verity/verified_reader.h"

namespace veneer::layer {

// The signed part of a layer file.
struct SignedManifest {
  std::string id;    // layer id: SHA-256 of `text`, hexadecimal
  std::string text;  // the manifest's bytes
  format::Manifest manifest;
  std::vector<crypto::SignerDescription> signers;
  Bytes cms;  // the message that says all this, DER
};

// Where image and tree are in the file of `manifest`, and what vouches for them.
inline verity::Layout LayoutOf(const format::Manifest& manifest) {
  return {manifest.image_size, manifest.tree_offset, manifest.tree_size, manifest.root_hash};
}

// Reads trailer and CMS of `file` and verifies the signature for the role that the manifest's kind asks for,
// at `time`. The errors of DecodeTrailer, CmsVerify and ParseManifest; kCorrupt too where trailer and
// manifest disagree. Each message begins with the file's name.
Result<SignedManifest> ReadSignedManifest(const io::RandomAccessFile& file, const crypto::TrustStore& trust,
                                          crypto::TimeCheck time);

// Likewise of the message that such a file had, SignedManifest::cms, where the file is not to be read. No
// message names a file.
Result<SignedManifest> VerifySignedManifest(const Bytes& cms, const crypto::TrustStore& trust,
                                            crypto::TimeCheck time);

// As ReadSignedManifest, with nothing verified but the form, for showing an unknown file to a person.
Result<SignedManifest> ReadUnverifiedManifest(const io::RandomAccessFile& file);

// The blocks of the layer `file`, whose manifest was verified: all that can be had of one whose image cannot
// be opened. `cache` and `slot` as for Layer. The errors of VerifiedReader::Open, kCorrupt in place of
// kUnsupported.
Result<std::unique_ptr<verity::VerifiedReader>> OpenReader(std::shared_ptr<const io::RandomAccessFile> file,
                                                           const format::Manifest& verified,
                                                           std::shared_ptr<verity::BlockCache> cache,
                                                           uint16_t slot);

// Immutable; safe from several threads. Holds the file open: what was opened stays readable whatever happens
// to the path.
class Layer {
 public:
  // Opens a layer whose signature is checked now and whose blocks are checked as they are read. `slot` (1 to
  // 65535) names it in node ids and in `cache`. The errors of ReadSignedManifest, VerifiedReader::Open and
  // erofs::Image::Open.
  static Result<std::shared_ptr<const Layer>> Open(std::shared_ptr<const io::RandomAccessFile> file,
                                                   const crypto::TrustStore& trust, crypto::TimeCheck time,
                                                   std::shared_ptr<verity::BlockCache> cache, uint16_t slot);

  // Likewise for a file whose manifest was read and verified before. The errors of VerifiedReader::Open and
  // erofs::Image::Open.
  static Result<std::shared_ptr<const Layer>> OpenVerified(std::shared_ptr<const io::RandomAccessFile> file,
                                                           SignedManifest verified,
                                                           std::shared_ptr<verity::BlockCache> cache,
                                                           uint16_t slot);

  // Likewise for who makes layers and names the files one by one: content is checked against the manifest,
  // and the manifest against nothing. Never for what is served or installed.
  static Result<std::shared_ptr<const Layer>> OpenUnverified(std::shared_ptr<const io::RandomAccessFile> file,
                                                             std::shared_ptr<verity::BlockCache> cache,
                                                             uint16_t slot);

  const std::string& id() const { return signed_.id; }
  const format::Manifest& manifest() const { return signed_.manifest; }
  const SignedManifest& signed_manifest() const { return signed_; }
  uint16_t slot() const { return slot_; }
  const erofs::Image& image() const { return *image_; }
  const verity::VerifiedReader& reader() const { return *reader_; }

 private:
  Layer(SignedManifest signed_manifest, uint16_t slot) : signed_(std::move(signed_manifest)), slot_(slot) {}

  SignedManifest signed_;
  uint16_t slot_;
  std::shared_ptr<const verity::VerifiedReader> reader_;
  std::unique_ptr<const erofs::Image> image_;
};

}  // namespace veneer::layer
