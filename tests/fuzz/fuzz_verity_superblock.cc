// Any bytes are safe as a verity superblock, and all that one may say is the count of blocks and the UUID.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "fs/format/verity_superblock.h"
#include "fs/verity/geometry.h"

using namespace veneer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto blocks = format::DecodeVeritySuperblock({data, size});
  if (!blocks) return 0;
  format::Uuid uuid;
  std::memcpy(uuid.data(), data + offsetof(format::RawVeritySuperblock, uuid), uuid.size());
  const auto again = format::EncodeVeritySuperblock(*blocks, uuid);
  if (!std::equal(again.begin(), again.end(), data)) std::abort();

  const auto geometry = verity::Geometry::For(*blocks);
  if (!geometry) return 0;
  // A tree is a little over 1/128 of its image, and never more than a few blocks beyond that.
  const uint64_t leaves = *blocks / verity::kDigestsPerBlock;
  if (geometry->tree_blocks() < leaves || geometry->tree_blocks() > leaves + leaves / 100 + 10) std::abort();
  return 0;
}
