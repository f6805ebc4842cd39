#include "fs/verity/verified_reader.h"

#include <algorithm>

#include "fs/crypto/sha256.h"
#include "fs/format/verity_superblock.h"

namespace veneer::verity {
namespace {

Digest DigestAt(const io::BlockData& hash_block, uint64_t index) {
  Digest digest;
  std::copy_n(hash_block.begin() + static_cast<ptrdiff_t>(index % kDigestsPerBlock * digest.size()),
              digest.size(), digest.begin());
  return digest;
}

// Whether the image is whole blocks, the tree follows it, and both lie within the file.
bool LiesWithin(const Layout& layout, uint64_t file_size) {
  return layout.image_size % kBlockSize == 0 && layout.tree_offset == layout.image_size &&
         InBounds(layout.tree_offset, layout.tree_size, file_size);
}

}  // namespace

VerifiedReader::VerifiedReader(std::shared_ptr<const io::RandomAccessFile> file, const Layout& layout,
                               Geometry geometry, std::shared_ptr<BlockCache> cache, uint32_t owner,
                               ReaderCounters* shared, SpareBlocks* spares)
    : file_(std::move(file)),
      layout_(layout),
      geometry_(std::move(geometry)),
      cache_(std::move(cache)),
      owner_(owner),
      counters_(shared == nullptr ? &own_counters_ : shared),
      spares_(spares) {}

Result<std::unique_ptr<VerifiedReader>> VerifiedReader::Open(std::shared_ptr<const io::RandomAccessFile> file,
                                                             const Layout& layout,
                                                             std::shared_ptr<BlockCache> cache,
                                                             uint32_t owner, ReaderCounters* shared,
                                                             SpareBlocks* spares) {
  const std::string& name = file->name();
  if (!LiesWithin(layout, file->size())) {
    return Fail(ErrorCode::kCorrupt, "{}: image and hash tree do not lie in its {} bytes as they should",
                name, file->size());
  }
  auto geometry = Geometry::For(layout.image_size / kBlockSize);
  if (!geometry) return tl::unexpected<Error>(geometry.error().Within(name));
  if (layout.tree_size != geometry->tree_bytes()) {
    return Fail(ErrorCode::kCorrupt, "{}: a hash tree of {} bytes, where the image's has {}", name,
                layout.tree_size, geometry->tree_bytes());
  }
  std::unique_ptr<VerifiedReader> reader(new VerifiedReader(std::move(file), layout, *std::move(geometry),
                                                            std::move(cache), owner, shared, spares));
  VENEER_TRY(reader->CheckSuperblock());
  return reader;
}

// The signature does not cover the superblock, and nothing is taken from it; but the kernel's tools read it,
// so it must say of the tree what the signed layout says.
Status VerifiedReader::CheckSuperblock() const {
  io::BlockData block;
  Status right = file_->ReadExact(layout_.tree_offset, block);
  if (right) right = CheckSuperblock(block);
  const uint64_t file_block = layout_.tree_offset / kBlockSize;
  if (!right && spares_ != nullptr && spares_->Find(owner_, file_block, block) && CheckSuperblock(block)) {
    spares_->StoodIn(owner_, right.error());
    return {};
  }
  if (right) OfferSpare(file_block, block);
  return right;
}

Status VerifiedReader::CheckSuperblock(const io::BlockData& block) const {
  const auto data_blocks = format::DecodeVeritySuperblock(block);
  if (!data_blocks) return tl::unexpected<Error>(data_blocks.error().Within(file_->name()));
  if (*data_blocks != geometry_.data_blocks()) {
    return Fail(ErrorCode::kCorrupt, "{}: the verity superblock says {} blocks, the signed image has {}",
                file_->name(), *data_blocks, geometry_.data_blocks());
  }
  const auto rest = ByteSpan(block).subspan(sizeof(format::RawVeritySuperblock));
  if (std::any_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte != 0; })) {
    return Fail(ErrorCode::kCorrupt, "{}: the verity superblock is not followed by zeros", file_->name());
  }
  return {};
}

Result<io::BlockRef> VerifiedReader::HashBlock(size_t level, uint64_t index) const {
  const uint64_t tree_block = geometry_.levels()[level].first_block + index;
  // Blocks are named in the cache by their place in the file, so that those of image and tree never meet.
  const uint64_t file_block = layout_.tree_offset / kBlockSize + tree_block;
  if (io::BlockRef kept = cache_->Find(owner_, file_block)) {
    OfferSpare(file_block, *kept);
    return kept;
  }
  VENEER_ASSIGN(const Digest expected, SignedDigest(level + 1, index));
  return Load(file_block, expected);
}

Status VerifiedReader::ReadChecked(uint64_t file_block, const Digest& expected, io::BlockData& out) const {
  VENEER_TRY(file_->ReadExact(file_block * kBlockSize, out));
  if (crypto::Sha256(out) == expected) return {};
  counters_->failures.fetch_add(1, std::memory_order_relaxed);
  return Mismatch(file_block);
}

Result<io::BlockRef> VerifiedReader::Load(uint64_t file_block, const Digest& expected) const {
  const auto data = std::make_shared_for_overwrite<io::BlockData>();
  if (Status read = ReadChecked(file_block, expected, *data); !read) {
    if (spares_ == nullptr || !spares_->Find(owner_, file_block, *data) || crypto::Sha256(*data) != expected)
      return tl::unexpected<Error>(read.error());
    spares_->StoodIn(owner_, read.error());
  }
  counters_->blocks_verified.fetch_add(1, std::memory_order_relaxed);
  cache_->Insert(owner_, file_block, data);
  OfferSpare(file_block, *data);
  return data;
}

void VerifiedReader::OfferSpare(uint64_t file_block, const io::BlockData& data) const {
  if (spares_ != nullptr) spares_->Offer(owner_, file_block, data);
}

tl::unexpected<Error> VerifiedReader::Mismatch(uint64_t file_block) const {
  const uint64_t tree_begin = layout_.tree_offset / kBlockSize;
  const bool in_tree = file_block >= tree_begin;
  return Fail(ErrorCode::kCorrupt, "{}: {} {} does not match its signed hash", file_->name(),
              in_tree ? "hash tree block" : "block", in_tree ? file_block - tree_begin : file_block);
}

Result<Digest> VerifiedReader::SignedDigest(size_t level, uint64_t index) const {
  if (level == geometry_.levels().size()) return layout_.root_hash;
  VENEER_ASSIGN(const io::BlockRef block, HashBlock(level, index / kDigestsPerBlock));
  return DigestAt(*block, index);
}

Result<Digest> VerifiedReader::LeafDigest(uint64_t block) const {
  if (block >= geometry_.data_blocks()) {
    return Fail(ErrorCode::kCorrupt, "{}: block {} lies beyond the image", file_->name(), block);
  }
  return SignedDigest(0, block);
}

Status VerifiedReader::VerifyBlocks(uint64_t first, ByteSpan data) const {
  // One look into the cache serves a whole run of blocks below the same hash block.
  io::BlockRef leaves;
  const uint64_t count = data.size() / kBlockSize;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t block = first + i;
    if (!geometry_.levels().empty() && (leaves == nullptr || block % kDigestsPerBlock == 0)) {
      VENEER_ASSIGN(leaves, HashBlock(0, block / kDigestsPerBlock));
    }
    const Digest expected = leaves != nullptr ? DigestAt(*leaves, block) : layout_.root_hash;
    if (crypto::Sha256(data.subspan(i * kBlockSize, kBlockSize)) != expected) {
      counters_->failures.fetch_add(1, std::memory_order_relaxed);
      return Mismatch(block);
    }
  }
  counters_->blocks_verified.fetch_add(count, std::memory_order_relaxed);
  return {};
}

Result<io::BlockRef> VerifiedReader::Block(uint64_t block) const {
  if (block >= geometry_.data_blocks()) {
    return Fail(ErrorCode::kCorrupt, "{}: block {} lies beyond the image", file_->name(), block);
  }
  if (io::BlockRef kept = cache_->Find(owner_, block)) {
    OfferSpare(block, *kept);
    return kept;
  }
  VENEER_ASSIGN(const Digest expected, SignedDigest(0, block));
  return Load(block, expected);
}

Status VerifiedReader::Read(uint64_t offset, MutableByteSpan out) const {
  Status status = ReadVerified(offset, out);
  if (!status) std::fill(out.begin(), out.end(), uint8_t{0});
  return status;
}

Status VerifiedReader::ReadVerified(uint64_t offset, MutableByteSpan out) const {
  if (!InBounds(offset, out.size(), layout_.image_size)) {
    return Fail(ErrorCode::kCorrupt, "{}: {} bytes at byte {} lie beyond the image", file_->name(),
                out.size(), offset);
  }
  while (!out.empty()) {
    const uint64_t block = offset / kBlockSize;
    const size_t skip = offset % kBlockSize;
    size_t got = 0;
    if (skip == 0 && out.size() >= kBlockSize) {
      // Whole blocks need no copy: they are checked where the caller will find them.
      got = out.size() / kBlockSize * kBlockSize;
      VENEER_TRY(file_->ReadExact(offset, out.first(got)));
      VENEER_TRY(VerifyBlocks(block, out.first(got)));
    } else {
      io::BlockData edge;
      VENEER_TRY(file_->ReadExact(block * kBlockSize, edge));
      VENEER_TRY(VerifyBlocks(block, edge));
      got = std::min(kBlockSize - skip, out.size());
      std::copy_n(edge.begin() + static_cast<ptrdiff_t>(skip), got, out.begin());
    }
    offset += got;
    out = out.subspan(got);
  }
  return {};
}

}  // namespace veneer::verity
