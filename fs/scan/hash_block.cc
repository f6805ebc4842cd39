#include "fs/scan/hash_block.h"

#include <algorithm>

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

}  // namespace

Result<std::optional<io::BlockData>> WorkOut::Try(const HashBlock& block) {
  VENEER_ASSIGN(Made made, MakeAndCompare(block, false));
  if (made.right) return std::optional(made.data);
  // Below the lowest level there is nothing else to make one of.
  if (!made.doubt.made.empty() || block.position.level > 0) doubts_.push_back(std::move(made.doubt));
  return std::optional<io::BlockData>();
}

Status WorkOut::Settle(const StillWanted& wanted, const Found& found) {
  std::erase_if(doubts_, [&](const Doubt& doubt) { return !wanted(doubt.block); });
  VENEER_ASSIGN(std::vector<Doubt> left, SettleEach(std::exchange(doubts_, {}), found));
  std::vector<Doubt> harder;
  for (const Doubt& doubt : left) {
    if (!MayReadImage(doubt.block.position)) continue;
    VENEER_ASSIGN(Made made, MakeAndCompare(doubt.block, true));
    if (made.right) {
      found(doubt.block, made.data);
    } else {
      harder.push_back(std::move(made.doubt));
    }
  }
  return SettleEach(std::move(harder), found).map([](const std::vector<Doubt>&) {});
}

// The cheapest first. Returns those that could not be had.
Result<std::vector<WorkOut::Doubt>> WorkOut::SettleEach(std::vector<Doubt> doubts, const Found& found) {
  std::stable_sort(doubts.begin(), doubts.end(),
                   [](const Doubt& a, const Doubt& b) { return a.made.size() < b.made.size(); });
  std::vector<Doubt> left;
  for (Doubt& doubt : doubts) {
    VENEER_ASSIGN(const auto right, TryWays(doubt));
    if (right) {
      found(doubt.block, *right);
    } else {
      left.push_back(std::move(doubt));
    }
  }
  return left;
}

// The damaged block with each digest in doubt as it says, or as was made. All as they were made is known to
// be wrong, but is counted.
Result<std::optional<io::BlockData>> WorkOut::TryWays(const Doubt& doubt) {
  if (doubt.made.empty()) return std::optional<io::BlockData>();
  const uint64_t ways = uint64_t{1} << doubt.made.size();
  if (ways > effort_.ways) return std::optional<io::BlockData>();
  effort_.ways -= ways;
  const io::BlockData present = ReadTree(doubt.block.position).value_or(io::BlockData{});
  for (uint64_t way = 0; way + 1 < ways; ++way) {
    if (way % 1024 == 0) VENEER_TRY(CheckCancel());
    io::BlockData data = present;
    for (size_t i = 0; i < doubt.made.size(); ++i) {
      const auto& [entry, made] = doubt.made[i];
      if ((way >> i & 1) != 0) std::copy(made.begin(), made.end(), EntryOf(data, entry));
    }
    if (crypto::Sha256(data) == doubt.block.digest) return std::optional(data);
  }
  return std::optional<io::BlockData>();
}

Result<WorkOut::Made> WorkOut::MakeAndCompare(const HashBlock& block, bool from_image) const {
  Made made{false, {}, {block, {}}};
  VENEER_ASSIGN(made.data, Make(block.position, from_image, 0));
  made.right = crypto::Sha256(made.data) == block.digest;
  if (made.right) return made;
  const io::BlockData present = ReadTree(block.position).value_or(io::BlockData{});
  auto& doubtful = made.doubt.made;
  for (uint64_t i = 0; i < verity::kDigestsPerBlock; ++i) {
    if (std::equal(EntryOf(made.data, i), EntryOf(made.data, i + 1), EntryOf(present, i))) continue;
    doubtful.emplace_back(static_cast<uint8_t>(i), Digest{});
    std::copy(EntryOf(made.data, i), EntryOf(made.data, i + 1), doubtful.back().second.begin());
  }
  if (doubtful.size() > kMostDoubtful) doubtful.clear();
  return made;
}

// Whether all of the image below may be read; it is counted.
bool WorkOut::MayReadImage(Position position) {
  if (position.level == 0) return false;
  uint64_t first = position.index;
  uint64_t count = 1;
  for (size_t level = 0; level <= position.level; ++level) {
    first *= verity::kDigestsPerBlock;
    count *= verity::kDigestsPerBlock;
  }
  count = std::min(count, reader_.geometry().data_blocks() - first);
  if (count > effort_.blocks) return false;
  effort_.blocks -= count;
  return true;
}

std::optional<io::BlockData> WorkOut::Read(uint64_t file_block) const {
  io::BlockData data;
  if (!reader_.file().ReadExact(file_block * kBlockSize, data)) return std::nullopt;
  return data;
}

std::optional<io::BlockData> WorkOut::ReadTree(Position position) const {
  return Read(reader_.layout().tree_offset / kBlockSize + reader_.geometry().TreeBlock(position));
}

// The hash block of what lies below `position`: the hash blocks that are there or, `from_image`, those made
// of the image in turn. What cannot be read counts as zeros.
Result<io::BlockData> WorkOut::Make(Position position, bool from_image, unsigned threads) const {
  const uint64_t first = position.index * verity::kDigestsPerBlock;
  const uint64_t count =
      std::min(verity::kDigestsPerBlock, reader_.geometry().BlocksBelow(position.level) - first);
  io::BlockData made{};
  VENEER_TRY(ParallelFor(
      count,
      [&](uint64_t i) -> Status {
        io::BlockData child{};
        if (position.level == 0) {
          child = Read(first + i).value_or(child);
        } else if (from_image) {
          VENEER_ASSIGN(child, Make({position.level - 1, first + i}, true, 1));
        } else {
          child = ReadTree({position.level - 1, first + i}).value_or(child);
        }
        const Digest digest = crypto::Sha256(child);
        std::copy(digest.begin(), digest.end(), EntryOf(made, i));
        return {};
      },
      threads));
  return made;
}

}  // namespace veneer::scan
