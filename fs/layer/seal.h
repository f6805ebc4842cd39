// Making layer files: mkfs.erofs for the image, the hash tree behind it, the signed manifest behind that.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/cms.h"
#include "fs/format/manifest.h"
#include "fs/layer/progress.h"

namespace veneer::layer {

struct SealResult {
  std::string layer_id;
  Digest root_hash{};
  uint64_t image_size = 0;  // bytes
  uint64_t file_size = 0;   // bytes
};

// Seals the folder `tree` into `output`, signed by all of `signers`. With none it is the same layer unsigned,
// which nobody accepts before AttachSignature. The file appears whole or not at all. `manifest` brings what
// the caller knows; kind, name and the fields of its kind must be set, root_hash, image_size, tree_offset and
// tree_size are filled in here. The image is a pure function of the tree: the same tree seals to the same
// root hash, and keeps its mtimes to the nanosecond. What the image shows has been compared with the tree
// before it is signed.
//
// kNotFound: no such tree or no folder for `output`, or no mkfs.erofs (the message says which package has
// it). kUsage: `tree` holds what a layer of this kind cannot (see ScanTree), `output` lies in it, `manifest`
// is not one that a reader would take. kExists: `output` is there already. kBusy: the
// tree changed meanwhile, with the path. kNoSpace, also for what mkfs.erofs needs in /tmp. kInterrupted.
// kFailed: mkfs.erofs, in its own words, or its image was not what it should be. kIo.
Result<SealResult> Seal(const std::string& tree, const std::string& output, format::Manifest manifest,
                        const std::vector<crypto::Signer>& signers, const Progress& progress);

}  // namespace veneer::layer
