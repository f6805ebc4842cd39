#include "fs/scan/scan.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "fs/base/parallel.h"
#include "fs/scan/path_index.h"

namespace veneer::scan {
namespace {

// What one hash block vouches for, read at once.
constexpr uint64_t kGroup = verity::kDigestsPerBlock;

class Scanner {
 public:
  Scanner(const verity::VerifiedReader& reader, const layer::Progress& progress)
      : reader_(reader),
        blocks_(reader_.size() / kBlockSize),
        progress_(progress, "checking", reader_.size()) {}

  Result<LayerScan> Run(const erofs::Image* image) {
    VENEER_TRY(ParallelFor((blocks_ + kGroup - 1) / kGroup, [&](uint64_t group) -> Status {
      CheckGroup(group);
      return {};
    }));
    LayerScan scan{blocks_, reader_.size(), {}};
    if (image != nullptr) VENEER_TRY(NamePaths(*image));
    for (const uint64_t block : data_) scan.findings.push_back({block, "data", PathsIn(block, block + 1)});
    for (const auto& [block, below] : tree_) {
      scan.findings.push_back({block, "tree", PathsIn(below.begin, below.end)});
    }
    return scan;
  }

 private:
  void CheckGroup(uint64_t group) {
    thread_local Bytes buffer(kGroup * kBlockSize);
    const uint64_t first = group * kGroup;
    const uint64_t count = std::min(kGroup, blocks_ - first);
    if (!reader_.Read(first * kBlockSize, MutableByteSpan(buffer).first(count * kBlockSize))) {
      if (!reader_.LeafDigest(first)) {
        AddTreeDamage(group);
      } else {
        for (uint64_t block = first; block < first + count; ++block) CheckBlock(block, buffer);
      }
    }
    progress_.Add(count * kBlockSize);
  }

  void CheckBlock(uint64_t block, Bytes& buffer) {
    if (reader_.Read(block * kBlockSize, MutableByteSpan(buffer).first(kBlockSize))) return;
    const std::lock_guard lock(mutex_);
    data_.insert(block);
  }

  // The damage may be higher up than the group's own hash block: it is in the one whose digest is known.
  void AddTreeDamage(uint64_t group) {
    verity::Geometry::Position position{0, group};
    uint64_t width = kGroup;  // image blocks below it
    while (!reader_.HashBlockDigest(position)) {
      position = {position.level + 1, position.index / kGroup};
      width *= kGroup;
    }
    const uint64_t begin = position.index * width;
    const uint64_t block = reader_.layout().tree_offset / kBlockSize + reader_.geometry().TreeBlock(position);
    const std::lock_guard lock(mutex_);
    tree_.emplace(block, erofs::BlockRange{begin, std::min(begin + width, blocks_)});
  }

  // One walk over the image, however much is damaged.
  Status NamePaths(const erofs::Image& image) {
    std::set<uint64_t> wanted = data_;
    for (const auto& [block, below] : tree_) {
      for (uint64_t i = below.begin; i < below.end; ++i) wanted.insert(i);
    }
    if (wanted.empty()) return {};
    const std::vector<uint64_t> blocks(wanted.begin(), wanted.end());
    VENEER_ASSIGN(auto paths, PathsOfBlocks(image, blocks));
    for (size_t i = 0; i < blocks.size(); ++i) paths_.emplace(blocks[i], std::move(paths[i]));
    return {};
  }

  // The paths that own a part of image blocks [begin, end), each once.
  std::vector<std::string> PathsIn(uint64_t begin, uint64_t end) const {
    std::set<std::string> unique;
    for (auto i = paths_.lower_bound(begin); i != paths_.end() && i->first < end; ++i) {
      unique.insert(i->second.begin(), i->second.end());
    }
    return {unique.begin(), unique.end()};
  }

  const verity::VerifiedReader& reader_;
  uint64_t blocks_;
  layer::StageProgress progress_;
  std::mutex mutex_;
  std::set<uint64_t> data_;                     // guarded by mutex_
  std::map<uint64_t, erofs::BlockRange> tree_;  // guarded by mutex_; hash block → image blocks below
  std::map<uint64_t, std::vector<std::string>> paths_;  // by image block; those of damaged blocks
};

}  // namespace

Result<LayerScan> ScanBlocks(const verity::VerifiedReader& reader, const erofs::Image* image,
                             const layer::Progress& progress) {
  return Scanner(reader, progress).Run(image);
}

Result<LayerScan> ScanReader(const std::shared_ptr<const verity::VerifiedReader>& reader,
                             const layer::Progress& progress) {
  const auto image = erofs::Image::Open(reader);  // fails where the superblock is what is damaged
  return ScanBlocks(*reader, image ? &*image : nullptr, progress);
}

}  // namespace veneer::scan
