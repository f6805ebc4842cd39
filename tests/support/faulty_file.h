// A file whose device fails on demand, over another file.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "fs/io/random_access_file.h"

namespace veneer::test {

// Safe from several threads, FailAt and Heal too.
class FaultyFile final : public io::RandomAccessFile {
 public:
  explicit FaultyFile(std::shared_ptr<const io::RandomAccessFile> file) : file_(std::move(file)) {}

  // From now on each read that touches byte `offset` fails with kIo.
  void FailAt(uint64_t offset) { bad_byte_ = offset; }
  void Heal() { bad_byte_ = kNone; }

  // Reads asked for since the last call of this.
  uint64_t TakeReads() const { return reads_.exchange(0); }

  uint64_t size() const override { return file_->size(); }
  const std::string& name() const override { return file_->name(); }

  Status ReadExact(uint64_t offset, MutableByteSpan out) const override {
    ++reads_;
    const uint64_t bad = bad_byte_;
    if (bad >= offset && bad - offset < out.size()) {
      return Fail(ErrorCode::kIo, "{}: the device failed at byte {}", name(), bad);
    }
    return file_->ReadExact(offset, out);
  }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};

  std::shared_ptr<const io::RandomAccessFile> file_;
  std::atomic<uint64_t> bad_byte_{kNone};
  mutable std::atomic<uint64_t> reads_{0};
};

}  // namespace veneer::test
