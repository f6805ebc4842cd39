// A BlockSource that counts what is asked of it, and can fail on demand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fs/io/block_source.h"

namespace veneer::erofs {

class CountingSource final : public io::BlockSource {
 public:
  explicit CountingSource(std::shared_ptr<const io::BlockSource> base) : base_(std::move(base)) {}

  uint64_t size() const override { return base_->size(); }
  Result<io::BlockRef> Block(uint64_t block) const override {
    blocks.push_back(block);
    if (fail_with) return Fail(*fail_with, "the device failed");
    if (block == bad_block) return Fail(ErrorCode::kCorrupt, "block {} is damaged", block);
    return base_->Block(block);
  }
  Status Read(uint64_t offset, MutableByteSpan out) const override {
    reads.emplace_back(offset, out.size());
    if (fail_with) return Fail(*fail_with, "the device failed");
    if (bad_block && offset / kBlockSize <= *bad_block && *bad_block < BlocksFor(offset + out.size()))
      return Fail(ErrorCode::kCorrupt, "block {} is damaged", *bad_block);
    return base_->Read(offset, out);
  }

  std::optional<uint64_t> bad_block;     // fails as a block does that is not what was signed
  std::optional<ErrorCode> fail_with;    // everything fails so
  mutable std::vector<uint64_t> blocks;  // calls of Block
  mutable std::vector<std::pair<uint64_t, uint64_t>> reads;  // calls of Read: offset, length

 private:
  std::shared_ptr<const io::BlockSource> base_;
};

}  // namespace veneer::erofs
