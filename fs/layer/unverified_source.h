// An image in a file, with nothing checked: for one that has just been made and not yet been sealed.
#pragma once

#include <memory>

#include "fs/io/block_source.h"
#include "fs/io/random_access_file.h"

namespace veneer::layer {

// Keeps nothing, so it shows what is in the file at that moment.
class UnverifiedSource final : public io::BlockSource {
 public:
  // The first `size` bytes of `file`, a multiple of kBlockSize.
  UnverifiedSource(std::shared_ptr<const io::RandomAccessFile> file, uint64_t size)
      : file_(std::move(file)), size_(size) {}

  uint64_t size() const override { return size_; }
  Result<io::BlockRef> Block(uint64_t block) const override;
  Status Read(uint64_t offset, MutableByteSpan out) const override;

 private:
  std::shared_ptr<const io::RandomAccessFile> file_;
  uint64_t size_;
};

}  // namespace veneer::layer
