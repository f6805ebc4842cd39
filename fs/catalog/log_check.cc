#include "fs/catalog/log_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>

#include "fs/base/endian.h"
#include "fs/catalog/catalog.h"
#include "fs/io/random_access_file.h"

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

// The header of the record at `at`; nothing where there is none.
std::optional<RecordHeader> RecordAt(ByteSpan log, size_t at) {
  const size_t end = std::min(log.size(), (at / kLogBlock + 1) * kLogBlock);
  RecordHeader header;
  if (!InBounds(at, sizeof header, end)) return std::nullopt;
  std::memcpy(&header, &log[at], sizeof header);
  if (!InBounds(at + sizeof header, header.length, end)) return std::nullopt;
  const size_t type_at = at + sizeof header - 1;
  if (MaskedCrc32c(log.subspan(type_at, size_t{1} + header.length)) != header.checksum) return std::nullopt;
  return header;
}

bool BeginsBatch(ByteSpan log, size_t at) {
  const size_t type_at = at + sizeof(RecordHeader) - 1;
  if (type_at >= log.size() || (log[type_at] != kWholeBatch && log[type_at] != kFirstPart)) return false;
  return RecordAt(log, at).has_value();
}

// Where the last record ends that can be reached from the start.
size_t EndOfRecords(ByteSpan log) {
  for (size_t at = 0;;) {
    const size_t left = kLogBlock - at % kLogBlock;
    if (left < sizeof(RecordHeader)) at += left;
    const auto header = RecordAt(log, at);
    if (!header) return at;
    at += sizeof(RecordHeader) + header->length;
  }
}

}  // namespace

bool IsDamagedInside(ByteSpan log) {
  for (size_t at = EndOfRecords(log) + 1; at < log.size(); ++at) {
    if (BeginsBatch(log, at)) return true;
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
    Status read = file ? Status() : Status(tl::unexpected(file.error()));
    Bytes log(file ? (*file)->size() : 0);
    if (read) read = (*file)->ReadExact(0, log);
    if (!read && read.error().code() == ErrorCode::kIo) return read;
    if (!read || IsDamagedInside(log)) {
      return Fail(ErrorCode::kDamaged, "{}: the catalog is damaged: commits in its log cannot be read{}",
                  entry->path().string(), kRepairCatalog);
    }
  }
  if (error) return Fail(ErrorCode::kIo, "{}: {}", path, error.message());
  return {};
}

}  // namespace veneer::catalog
