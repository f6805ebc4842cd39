#include "tests/support/sealed_image.h"

#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/io/random_access_file.h"
#include "fs/verity/tree_builder.h"
#include "tests/support/catch.h"

namespace veneer::test {

void SealBytes(const Bytes& image, const std::string& path, format::Manifest manifest,
               const std::vector<crypto::Signer>& signers) {
  const io::MemoryFile file(image, "image");
  const auto tree = verity::BuildTree(file, image.size(), {});
  REQUIRE_OK(tree);
  manifest.root_hash = tree->root_hash;
  manifest.image_size = manifest.tree_offset = image.size();
  manifest.tree_size = tree->bytes.size();
  const auto cms = crypto::CmsSign(AsBytes(format::WriteManifest(manifest)), signers);
  REQUIRE_OK(cms);
  const uint64_t cms_offset = image.size() + tree->bytes.size();
  const auto trailer =
      format::EncodeTrailer({image.size(), image.size(), tree->bytes.size(), cms_offset, cms->size()});
  Bytes all = image;
  all.insert(all.end(), tree->bytes.begin(), tree->bytes.end());
  all.insert(all.end(), cms->begin(), cms->end());
  all.insert(all.end(), trailer.begin(), trailer.end());
  REQUIRE_OK(io::WriteFileAtomically(path, all));
}

}  // namespace veneer::test
