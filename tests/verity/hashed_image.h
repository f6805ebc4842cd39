// An image with its hash tree behind it, in memory, as in a layer file.
#pragma once

#include <memory>

#include "fs/io/random_access_file.h"
#include "fs/verity/tree_builder.h"
#include "fs/verity/verified_reader.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::test {

struct HashedImage {
  std::shared_ptr<io::MemoryFile> file;
  verity::Layout layout;
};

// `blocks` blocks of Pattern(..., seed) and their tree.
inline HashedImage MakeHashedImage(uint64_t blocks, uint64_t seed = 0) {
  HashedImage made;
  made.file = std::make_shared<io::MemoryFile>(Pattern(blocks * kBlockSize, seed), "a.layer");
  const uint64_t image_size = made.file->size();
  const auto tree = verity::BuildTree(*made.file, image_size, {});
  REQUIRE_OK(tree);
  made.layout = {image_size, image_size, tree->bytes.size(), tree->root_hash};
  made.file->bytes().insert(made.file->bytes().end(), tree->bytes.begin(), tree->bytes.end());
  return made;
}

// A reader over `image` with a cache of its own.
inline std::unique_ptr<verity::VerifiedReader> OpenReader(const HashedImage& image,
                                                          size_t cache_size = 1 << 20) {
  auto reader = verity::VerifiedReader::Open(image.file, image.layout,
                                             std::make_shared<verity::BlockCache>(cache_size), 1);
  REQUIRE_OK(reader);
  return *std::move(reader);
}

}  // namespace veneer::test
