#include "fs/format/verity_superblock.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace veneer::format {
namespace {

constexpr std::array<uint8_t, 8> kSignature = {'v', 'e', 'r', 'i', 't', 'y', 0, 0};
constexpr std::string_view kAlgorithm = "sha256";

}  // namespace

std::array<uint8_t, sizeof(RawVeritySuperblock)> EncodeVeritySuperblock(uint64_t data_blocks,
                                                                        const Uuid& uuid) {
  RawVeritySuperblock raw{};
  raw.signature = kSignature;
  raw.version = 1U;
  raw.hash_type = 1U;
  raw.uuid = uuid;
  std::copy(kAlgorithm.begin(), kAlgorithm.end(), raw.algorithm.begin());
  raw.data_block_size = kBlockSize;
  raw.hash_block_size = kBlockSize;
  raw.data_blocks = data_blocks;
  std::array<uint8_t, sizeof(RawVeritySuperblock)> bytes{};
  std::memcpy(bytes.data(), &raw, sizeof raw);
  return bytes;
}

Result<uint64_t> DecodeVeritySuperblock(ByteSpan bytes) {
  RawVeritySuperblock raw{};
  if (bytes.size() < sizeof raw) return Fail(ErrorCode::kCorrupt, "too short for a verity superblock");
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (raw.signature != kSignature)
    return Fail(ErrorCode::kCorrupt, "no verity superblock in front of the hash tree");
  std::array<uint8_t, 32> algorithm{};
  std::copy(kAlgorithm.begin(), kAlgorithm.end(), algorithm.begin());
  if (raw.version != 1 || raw.hash_type != 1 || raw.algorithm != algorithm ||
      raw.data_block_size != kBlockSize || raw.hash_block_size != kBlockSize || raw.salt_size != 0) {
    return Fail(
        ErrorCode::kUnsupported,
        "hash tree of another kind than dm-verity version 1 with sha256, blocks of 4096 bytes and no salt");
  }
  const auto is_zero = [](const auto& field) {
    return std::all_of(field.begin(), field.end(), [](uint8_t byte) { return byte == 0; });
  };
  if (!is_zero(raw.pad1) || !is_zero(raw.salt) || !is_zero(raw.pad2)) {
    return Fail(ErrorCode::kCorrupt, "verity superblock has reserved bytes that are not zero");
  }
  return uint64_t{raw.data_blocks};
}

}  // namespace veneer::format
