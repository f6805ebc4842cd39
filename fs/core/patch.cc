#include "fs/core/patch.h"

#include <sys/stat.h>

#include <filesystem>

#include "fs/core/stack.h"
#include "fs/core/tree_diff.h"
#include "fs/io/file_ops.h"

namespace veneer::core {

Result<PatchResult> SealPatch(const std::string& tree,
                              const std::vector<std::shared_ptr<const layer::Layer>>& below,
                              const std::string& output, format::Manifest manifest,
                              const std::vector<crypto::Signer>& signers, const layer::Progress& progress) {
  struct stat st {};
  if (::lstat(output.c_str(), &st) == 0) return Fail(ErrorCode::kExists, "{}: is there already", output);
  VENEER_ASSIGN(const auto view, View::Build(0, StackOf(below)));
  VENEER_ASSIGN(const layer::TreeListing listing,
                layer::ScanTree(tree, {.allow_overlay_marks = false, .progress = progress}));
  VENEER_ASSIGN(const TreeDifference difference, CompareTree(listing, *view, progress));
  if (difference.empty())
    return Fail(ErrorCode::kUsage, "{}: differs in nothing from the layers below", tree);

  const std::string folder = std::filesystem::path(output).parent_path();
  VENEER_ASSIGN(const io::TemporaryFolder staging,
                io::TemporaryFolder::Create(folder.empty() ? "." : folder));
  PatchResult result;
  VENEER_ASSIGN(result.contents, Stage(listing, difference, staging.path(), progress));
  manifest.kind = format::LayerKind::kPatch;
  VENEER_ASSIGN(result.seal, layer::Seal(staging.path(), output, std::move(manifest), signers, progress));
  return result;
}

}  // namespace veneer::core
