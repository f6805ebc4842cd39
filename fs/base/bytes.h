// Byte spans, fixed digests, hexadecimal, and arithmetic that cannot wrap.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;
using MutableByteSpan = std::span<uint8_t>;

// A SHA-256 value.
using Digest = std::array<uint8_t, 32>;

// The unit of everything on disk: EROFS blocks, hash blocks, verification. In bytes.
inline constexpr uint32_t kBlockSize = 4096;

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal of `bytes`, two characters each.
std::string ToHex(ByteSpan bytes);

// The 32 bytes that 64 hexadecimal characters (either case) name; nothing for anything else.
std::optional<Digest> DigestFromHex(std::string_view hex);

// a + b and a * b, or nothing where the result does not fit 64 bits.
constexpr std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
constexpr std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Whether [offset, offset + length) lies within [0, size), without wrapping.
constexpr bool InBounds(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

// Blocks needed for `bytes` bytes.
constexpr uint64_t BlocksFor(uint64_t bytes) {
  return bytes / kBlockSize + (bytes % kBlockSize != 0 ? 1 : 0);
}

}  // namespace veneer
