// Reads of an image, each block hashed and checked against the signed tree every time it is read.
#pragma once

#include <memory>
#include <optional>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/io/block_source.h"
#include "fs/io/random_access_file.h"
#include "fs/verity/block_cache.h"
#include "fs/verity/counters.h"
#include "fs/verity/geometry.h"
#include "fs/verity/spare_blocks.h"

namespace veneer::verity {

// Where the parts are that a signed manifest vouches for. In bytes from the start of the file.
struct Layout {
  uint64_t image_size = 0;   // the image starts at 0
  uint64_t tree_offset = 0;  // equals image_size
  uint64_t tree_size = 0;
  Digest root_hash{};
};

// A BlockSource over image and tree in one file. Blocks are read into private memory, checked there, and
// handed out from there; a block that fails is kCorrupt, and the message names file and block: "FILE: block N
// does not match its signed hash" (N counted in the image) or "FILE: hash tree block N does not match its
// signed hash" (N counted from the verity superblock, which is 0). Hash blocks that passed are kept in the
// cache, as are blocks read by Block(); what Read() gets is checked and not kept. Where the device fails, its
// kIo passes through. In place of a hash block, or one of Block(), that the device does not have as it should
// be, the spare copy is taken, if there is one and it is right, and SpareBlocks is told why. All methods are
// safe from several threads at once.
class VerifiedReader final : public io::BlockSource {
 public:
  // Checks `layout` against the size of the file and against the geometry of the tree, and reads the verity
  // superblock; no block is hashed yet. `owner` names the layer in `cache` and `spares`; no two files share
  // one. Counts in `shared`; null: in itself. `shared` and `spares` must outlive it. kCorrupt: the file is
  // too short, sizes or superblock contradict each other. kUnsupported: another kind of tree. kIo.
  static Result<std::unique_ptr<VerifiedReader>> Open(std::shared_ptr<const io::RandomAccessFile> file,
                                                      const Layout& layout, std::shared_ptr<BlockCache> cache,
                                                      uint32_t owner, ReaderCounters* shared = nullptr,
                                                      SpareBlocks* spares = nullptr);

  uint64_t size() const override { return layout_.image_size; }
  Result<io::BlockRef> Block(uint64_t block) const override;

  // `out` must be memory that nobody else writes to: blocks are checked where they then stay. On any error it
  // is filled with zeros.
  Status Read(uint64_t offset, MutableByteSpan out) const override;

  // The signed digest of image block `block`, its path through the tree verified. kCorrupt, kIo.
  Result<Digest> LeafDigest(uint64_t block) const;

  // The signed digest of hash block `position` of the tree, what lies above it verified. kCorrupt, kIo.
  Result<Digest> HashBlockDigest(Geometry::Position position) const {
    return SignedDigest(position.level + 1, position.index);
  }

  const Layout& layout() const { return layout_; }
  const Geometry& geometry() const { return geometry_; }
  const io::RandomAccessFile& file() const { return *file_; }

  const ReaderCounters& counters() const { return *counters_; }

 private:
  VerifiedReader(std::shared_ptr<const io::RandomAccessFile> file, const Layout& layout, Geometry geometry,
                 std::shared_ptr<BlockCache> cache, uint32_t owner, ReaderCounters* shared,
                 SpareBlocks* spares);

  Status CheckSuperblock() const;
  Status CheckSuperblock(const io::BlockData& block) const;

  // The block at `file_block` of the file, which `expected` covers: from the device, or else the spare copy.
  Result<io::BlockRef> Load(uint64_t file_block, const Digest& expected) const;
  Status ReadChecked(uint64_t file_block, const Digest& expected, io::BlockData& out) const;
  tl::unexpected<Error> Mismatch(uint64_t file_block) const;
  // It is as it should be.
  void OfferSpare(uint64_t file_block, const io::BlockData& data) const;

  // Hash block `index` of `level`, verified up to the root.
  Result<io::BlockRef> HashBlock(size_t level, uint64_t index) const;

  // The digest that covers block `index` of what lies below `level`: from a verified hash block, or the root
  // hash where `level` is one above the root's.
  Result<Digest> SignedDigest(size_t level, uint64_t index) const;

  // Checks the whole image blocks in `data`, the first of which is `first`.
  Status VerifyBlocks(uint64_t first, ByteSpan data) const;

  // Read without its promise about `out`.
  Status ReadVerified(uint64_t offset, MutableByteSpan out) const;

  std::shared_ptr<const io::RandomAccessFile> file_;
  Layout layout_;
  Geometry geometry_;
  std::shared_ptr<BlockCache> cache_;
  uint32_t owner_;
  mutable ReaderCounters own_counters_;
  ReaderCounters* counters_;
  SpareBlocks* spares_;  // null: none
};

}  // namespace veneer::verity
