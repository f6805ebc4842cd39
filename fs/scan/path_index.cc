#include "fs/scan/path_index.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "fs/base/cancel.h"
#include "fs/erofs/data_map.h"
#include "fs/erofs/walk.h"
#include "fs/format/erofs_fs.h"

namespace veneer::scan {
namespace {

using erofs::BlockRange;
using erofs::Inode;
using erofs::Nid;

// Collects the paths of the wanted blocks along a walk.
class Collector {
 public:
  Collector(const erofs::Image& image, const std::vector<uint64_t>& blocks)
      : image_(image), blocks_(blocks), paths_(blocks.size()) {}

  void Visit(const std::string& path, Nid nid, const Result<Inode>& inode) {
    if (inode) {
      meta_offset_ = inode->offset - nid * format::kErofsSlotSize;
      for (const BlockRange& range : Holds(*inode)) Name(path, range);
    } else if (meta_offset_) {
      Name(path, BytesAsBlocks(*meta_offset_ + nid * format::kErofsSlotSize, 2 * format::kErofsSlotSize));
    } else {
      Name(path, {0, std::numeric_limits<uint64_t>::max()});  // the root: all that is lost is lost below it
    }
  }

  std::vector<std::vector<std::string>> TakePaths() { return std::move(paths_); }

 private:
  static BlockRange BytesAsBlocks(uint64_t offset, uint64_t length) {
    return {offset / kBlockSize, BlocksFor(offset + length)};
  }

  // The blocks that hold `inode`. Where its chunk table is what cannot be read, those of its metadata.
  std::vector<BlockRange> Holds(const Inode& inode) const {
    auto blocks = image_.BlocksOf(inode);
    if (blocks) return std::move(*blocks);
    uint64_t length = inode.header_size + inode.xattr_size;
    if (inode.layout == erofs::DataLayout::kChunked) length += erofs::ChunkTableSize(inode);
    return {BytesAsBlocks(inode.offset, length)};
  }

  void Name(const std::string& path, BlockRange range) {
    auto hit = std::lower_bound(blocks_.begin(), blocks_.end(), range.begin);
    for (; hit != blocks_.end() && *hit < range.end; ++hit) {
      auto& names = paths_[static_cast<size_t>(hit - blocks_.begin())];
      if (names.empty() || names.back() != path) names.push_back(path);
    }
  }

  const erofs::Image& image_;
  const std::vector<uint64_t>& blocks_;
  std::vector<std::vector<std::string>> paths_;
  std::optional<uint64_t> meta_offset_;  // of nid 0, known from any inode that can be read
};

}  // namespace

Result<std::vector<std::vector<std::string>>> PathsOfBlocks(const erofs::Image& image,
                                                            const std::vector<uint64_t>& blocks) {
  Collector collector(image, blocks);
  VENEER_TRY(erofs::Walk(image, [&](const std::string& path, Nid nid, const Result<Inode>& inode) {
    collector.Visit(path, nid, inode);
    return CheckCancel();
  }));
  return collector.TakePaths();
}

std::map<Nid, std::vector<std::string>> PathsOfInodes(const erofs::Image& image, const std::set<Nid>& nids) {
  std::map<Nid, std::vector<std::string>> paths;
  static_cast<void>(  // the visitor ends no walk
      erofs::Walk(image, [&](const std::string& path, Nid nid, const Result<Inode>&) -> Status {
        if (nids.contains(nid)) paths[nid].push_back(path);
        return {};
      }));
  return paths;
}

std::string PathOfInode(const erofs::Image& image, Nid wanted) {
  std::string found;
  const Status stopped =
      erofs::Walk(image, [&](const std::string& path, Nid nid, const Result<Inode>&) -> Status {
        if (nid != wanted) return {};
        found = path;
        return Fail(ErrorCode::kExists, "{}", path);
      });
  return stopped ? std::string() : found;
}

}  // namespace veneer::scan
