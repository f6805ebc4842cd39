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
  Scanner(const layer::Layer& layer, const layer::Progress& progress)
      : reader_(layer.reader()),
        image_(layer.image()),
        blocks_(reader_.size() / kBlockSize),
        progress_(progress, "checking", reader_.size()) {}

  Result<LayerScan> Run() {
    VENEER_TRY(ParallelFor((blocks_ + kGroup - 1) / kGroup, [&](uint64_t group) -> Status {
      CheckGroup(group);
      return {};
    }));
    LayerScan scan{blocks_, reader_.size(), {}};
    const std::vector<uint64_t> damaged(data_.begin(), data_.end());
    const auto paths =
        damaged.empty() ? std::vector<std::vector<std::string>>() : PathsOfBlocks(image_, damaged);
    for (size_t i = 0; i < damaged.size(); ++i) scan.findings.push_back({damaged[i], "data", paths[i]});
    for (const auto& [block, group] : tree_) scan.findings.push_back({block, "tree", PathsOfGroup(group)});
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

  // The damage may be higher up: the group's own hash block is where it is met.
  void AddTreeDamage(uint64_t group) {
    const auto& levels = reader_.geometry().levels();
    const uint64_t tree_block = reader_.layout().tree_offset / kBlockSize;
    const uint64_t block = levels.empty() ? tree_block : tree_block + levels.front().first_block + group;
    const std::lock_guard lock(mutex_);
    tree_.emplace(block, group);
  }

  std::vector<std::string> PathsOfGroup(uint64_t group) const {
    std::vector<uint64_t> blocks;
    for (uint64_t block = group * kGroup; block < std::min((group + 1) * kGroup, blocks_); ++block) {
      blocks.push_back(block);
    }
    std::set<std::string> unique;
    for (auto& names : PathsOfBlocks(image_, blocks)) unique.insert(names.begin(), names.end());
    return {unique.begin(), unique.end()};
  }

  const verity::VerifiedReader& reader_;
  const erofs::Image& image_;
  uint64_t blocks_;
  layer::StageProgress progress_;
  std::mutex mutex_;
  std::set<uint64_t> data_;            // guarded by mutex_
  std::map<uint64_t, uint64_t> tree_;  // guarded by mutex_; hash block → group
};

}  // namespace

Result<LayerScan> ScanLayer(const layer::Layer& layer, const layer::Progress& progress) {
  return Scanner(layer, progress).Run();
}

}  // namespace veneer::scan
