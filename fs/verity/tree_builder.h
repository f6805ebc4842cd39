// Builds the dm-verity hash tree of an image.
#pragma once

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/format/verity_superblock.h"
#include "fs/io/random_access_file.h"

namespace veneer::verity {

struct Tree {
  Bytes bytes;  // superblock and hash blocks, as they stand behind the image
  Digest root_hash{};
};

// Hashes the first `image_size` bytes (a positive multiple of 4096) of `image` with all cores. Equal, bit for
// bit, to what `veritysetup format --salt=- --uuid=UUID` makes. kUsage for a bad size; kInterrupted if a stop
// is asked for (fs/base/cancel.h); the errors of reading `image`.
Result<Tree> BuildTree(const io::RandomAccessFile& image, uint64_t image_size, const format::Uuid& uuid);

}  // namespace veneer::verity
