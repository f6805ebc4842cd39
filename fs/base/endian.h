// Little-endian field types for on-disk structs: no alignment, no host order, trivially copyable.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace veneer {

template <typename T>
class LittleEndian {
  static_assert(std::is_unsigned_v<T>);

 public:
  LittleEndian() = default;
  LittleEndian(T value) {  // NOLINT: a field is assigned like the number it holds
    for (size_t i = 0; i < sizeof(T); ++i) bytes_[i] = static_cast<uint8_t>(value >> (8 * i));
  }
  operator T() const {  // NOLINT: and is read like it
    T value = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&value, bytes_.data(), sizeof(T));
    } else {
      for (size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(value | static_cast<T>(T{bytes_[i]} << (8 * i)));
    }
    return value;
  }

 private:
  std::array<uint8_t, sizeof(T)> bytes_{};
};

using Le16 = LittleEndian<uint16_t>;
using Le32 = LittleEndian<uint32_t>;
using Le64 = LittleEndian<uint64_t>;
static_assert(sizeof(Le16) == 2 && sizeof(Le32) == 4 && sizeof(Le64) == 8 && alignof(Le64) == 1);
static_assert(std::is_trivially_copyable_v<Le64>);

}  // namespace veneer
