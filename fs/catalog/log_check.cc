#include "fs/catalog/log_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>

#include "fs/base/endian.h"
#include "fs/catalog/catalog.h"

namespace veneer::catalog {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kLogBlock = 32768;  // no record reaches over the end of one
constexpr uint8_t kWholeBatch = 1;
constexpr uint8_t kFirstPart = 2;

struct RecordHeader {
  Le32 checksum;  // 0: masked CRC-32C of type and content
  Le16 length;    // 4: of the content, in bytes
  uint8_t type;   // 6
};
static_assert(sizeof(RecordHeader) == 7);

constexpr auto kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    table[i] = crc;
  }
  return table;
}();

uint32_t MaskedCrc32c(ByteSpan bytes) {
  uint32_t crc = ~0U;
  for (const uint8_t byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff];
  return std::rotr(~crc, 15) + 0xa282ead8U;
}

// Content behind the end of the records that is held against a checksum, at most, in bytes. A torn commit of
// ours has few places that look like the head of a record.
constexpr uint64_t kMostDoubtful = 256 << 20;

// The header of the record at `at` of a block, if it lies within the block; its checksum may be wrong.
std::optional<RecordHeader> HeaderAt(ByteSpan block, size_t at) {
  RecordHeader header;
  if (!InBounds(at, sizeof header, block.size())) return std::nullopt;
  std::memcpy(&header, &block[at], sizeof header);
  if (!InBounds(at + sizeof header, header.length, block.size())) return std::nullopt;
  return header;
}

bool ChecksumHolds(ByteSpan block, size_t at, const RecordHeader& header) {
  const size_t type_at = at + sizeof header - 1;
  return MaskedCrc32c(block.subspan(type_at, size_t{1} + header.length)) == header.checksum;
}

// Looks at a log, block by block.
class LogReader {
 public:
  // Takes the next block. Whether the log is damaged inside, as far as it goes.
  bool Take(ByteSpan block) {
    size_t at = 0;
    for (; !torn_ && block.size() - at >= sizeof(RecordHeader);) {
      const auto header = HeaderAt(block, at);
      torn_ = !header || !ChecksumHolds(block, at, *header);
      at += torn_ ? 1 : sizeof(RecordHeader) + header->length;
    }
    for (; torn_ && at < block.size(); ++at) {
      if (BeginsBatch(block, at)) return true;
    }
    return false;
  }

 private:
  bool BeginsBatch(ByteSpan block, size_t at) {
    const auto header = HeaderAt(block, at);
    if (!header || (header->type != kWholeBatch && header->type != kFirstPart)) return false;
    doubtful_ += header->length;
    return doubtful_ > kMostDoubtful || ChecksumHolds(block, at, *header);
  }

  bool torn_ = false;  // there was something that is no record
  uint64_t doubtful_ = 0;
};

}  // namespace

Result<bool> IsDamagedInside(const io::RandomAccessFile& log) {
  if (log.size() > kMaxLogSize) return true;
  LogReader reader;
  Bytes block(kLogBlock);
  for (uint64_t offset = 0; offset < log.size(); offset += block.size()) {
    block.resize(std::min<uint64_t>(kLogBlock, log.size() - offset));
    VENEER_TRY(log.ReadExact(offset, block));
    if (reader.Take(block)) return true;
  }
  return false;
}

// Only as much of a log is read as it has when it is opened: what a writer adds meanwhile is not seen in
// part.
Status CheckLogs(const std::string& path) {
  std::error_code error;
  for (stdfs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() != ".log") continue;
    const auto file = io::PosixFile::Open(entry->path());
    if (!file && file.error().code() == ErrorCode::kNotFound) continue;  // a writer is done with it
    const auto damaged = file.and_then([](const auto& log) { return IsDamagedInside(*log); });
    if (!damaged && damaged.error().code() == ErrorCode::kIo) return tl::unexpected(damaged.error());
    if (!damaged || *damaged) {
      return Fail(ErrorCode::kDamaged, "{}: the catalog is damaged: commits in its log cannot be read{}",
                  entry->path().string(), kRepairCatalog);
    }
  }
  if (error) return Fail(ErrorCode::kIo, "{}: {}", path, error.message());
  return {};
}

Status CheckFiles(const std::string& path) {
  std::error_code error;
  for (stdfs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;
    const auto type = entry->symlink_status(unknown).type();
    // Not found: a writer is done with it.
    if (type == stdfs::file_type::not_found) continue;
    if (type == stdfs::file_type::none) return FailErrno(unknown.value(), entry->path().string());
    const bool read_whole = entry->path().extension() != ".sst";
    if (type == stdfs::file_type::regular) {
      const uintmax_t size = entry->file_size(unknown);
      if (unknown || !read_whole || size <= kMaxLogSize) continue;
    }
    return Fail(ErrorCode::kDamaged, "{}: the catalog is damaged: not a regular file, or endless{}",
                entry->path().string(), kRepairCatalog);
  }
  if (error) return Fail(ErrorCode::kIo, "{}: {}", path, error.message());
  return {};
}

}  // namespace veneer::catalog
