#include "fs/scan/hash_block.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fs/base/cancel.h"
#include "fs/base/parallel.h"
#include "fs/crypto/sha256.h"

namespace veneer::scan {
namespace {

using Position = verity::Geometry::Position;

// Digests of one hash block that may be in doubt: 65,536 ways.
constexpr size_t kMostDoubtful = 16;

// Where the digest of the block `i` below `hash_block` stands.
template <typename Block>
auto EntryOf(Block& hash_block, uint64_t i) {
  return hash_block.begin() + static_cast<ptrdiff_t>(i * sizeof(Digest));
}

class Rebuilder {
 public:
  Rebuilder(const verity::VerifiedReader& reader, Position position, const Digest& expected, Effort& effort)
      : reader_(reader),
        geometry_(reader.geometry()),
        position_(position),
        expected_(expected),
        effort_(effort) {}

  Result<std::optional<io::BlockData>> Run() {
    const io::BlockData present = ReadTree(position_).value_or(io::BlockData{});
    for (const bool from_image : {false, true}) {
      if (from_image && !MayReadImage()) break;
      VENEER_ASSIGN(const io::BlockData made, Make(position_, from_image));
      VENEER_ASSIGN(auto right, Reconcile(made, present));
      if (right) return right;
    }
    return std::optional<io::BlockData>();
  }

 private:
  // Whether all of the image below may be read; it is counted. Below the lowest level there is nothing else.
  bool MayReadImage() {
    if (position_.level == 0) return false;
    uint64_t first = position_.index;
    uint64_t count = 1;
    for (size_t level = 0; level <= position_.level; ++level) {
      first *= verity::kDigestsPerBlock;
      count *= verity::kDigestsPerBlock;
    }
    count = std::min(count, geometry_.data_blocks() - first);
    if (count > effort_.blocks) return false;
    effort_.blocks -= count;
    return true;
  }

  std::optional<io::BlockData> Read(uint64_t file_block) const {
    io::BlockData data;
    if (!reader_.file().ReadExact(file_block * kBlockSize, data)) return std::nullopt;
    return data;
  }

  std::optional<io::BlockData> ReadTree(Position position) const {
    return Read(reader_.layout().tree_offset / kBlockSize + geometry_.TreeBlock(position));
  }

  // The hash block of what lies below `position`: the hash blocks that are there or, `from_image`, those made
  // of the image in turn. What cannot be read counts as zeros.
  Result<io::BlockData> Make(Position position, bool from_image) const {
    const uint64_t first = position.index * verity::kDigestsPerBlock;
    const uint64_t count = std::min(verity::kDigestsPerBlock, geometry_.BlocksBelow(position.level) - first);
    io::BlockData made{};
    VENEER_TRY(ParallelFor(
        count,
        [&](uint64_t i) -> Status {
          io::BlockData child{};
          if (position.level == 0) {
            child = Read(first + i).value_or(child);
          } else if (from_image) {
            VENEER_ASSIGN(child, Make({position.level - 1, first + i}, true));
          } else {
            child = ReadTree({position.level - 1, first + i}).value_or(child);
          }
          const Digest digest = crypto::Sha256(child);
          std::copy(digest.begin(), digest.end(), EntryOf(made, i));
          return {};
        },
        position == position_ ? 0 : 1));
    return made;
  }

  // `made`, with each entry that differs in `present` taken from the one or the other, so that all is right.
  Result<std::optional<io::BlockData>> Reconcile(const io::BlockData& made, const io::BlockData& present) {
    std::vector<uint64_t> doubtful;
    for (uint64_t i = 0; i < verity::kDigestsPerBlock; ++i) {
      if (!std::equal(EntryOf(made, i), EntryOf(made, i + 1), EntryOf(present, i))) doubtful.push_back(i);
    }
    uint64_t ways = doubtful.size() > kMostDoubtful ? 1 : uint64_t{1} << doubtful.size();
    if (ways > effort_.ways) ways = 1;
    effort_.ways -= std::min(ways, effort_.ways);
    for (uint64_t way = 0; way < ways; ++way) {
      if (way % 1024 == 0) VENEER_TRY(CheckCancel());
      io::BlockData block = made;
      for (auto [bits, entry] = std::pair(way, doubtful.begin()); bits != 0; bits >>= 1, ++entry) {
        if ((bits & 1) != 0)
          std::copy(EntryOf(present, *entry), EntryOf(present, *entry + 1), EntryOf(block, *entry));
      }
      if (crypto::Sha256(block) == expected_) return std::optional(block);
    }
    return std::optional<io::BlockData>();
  }

  const verity::VerifiedReader& reader_;
  const verity::Geometry& geometry_;
  Position position_;
  Digest expected_;
  Effort& effort_;
};

}  // namespace

Result<std::optional<io::BlockData>> RebuildHashBlock(const verity::VerifiedReader& reader, Position position,
                                                      const Digest& expected, Effort& effort) {
  return Rebuilder(reader, position, expected, effort).Run();
}

}  // namespace veneer::scan
