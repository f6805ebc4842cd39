// The catalog's keys and plain numbers as bytes. See docs/format/catalog.md. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fs/catalog/key_space.h"

namespace veneer::catalog {

// Names in the family `state`.
inline constexpr std::string_view kStateCurrent = "current";
inline constexpr std::string_view kStatePending = "pending";
inline constexpr std::string_view kStateLastGood = "last-good";
inline constexpr std::string_view kStateNextSlot = "next-slot";
inline constexpr std::string_view kStateNextGeneration = "next-generation";
inline constexpr std::string_view kStateLatestTime = "latest-time";
inline constexpr std::string_view kStateTpmCount = "tpm-count";
inline constexpr std::string_view kStateSequencePrefix = "sequence/";    // then a component's name
inline constexpr std::string_view kStateFloorPrefix = "floor/";          // likewise
inline constexpr std::string_view kStateWithdrawnPrefix = "withdrawn/";  // then a layer id

// The highest number of a generation or an event: one more still fits, whatever a damaged catalog says.
inline constexpr uint64_t kMaxNumber = (uint64_t{1} << 63) - 1;

// `number` as a key, big-endian, so that keys stand in the order of their numbers.
std::string NumberKey(uint64_t number);

// The number, 1 to kMaxNumber, of such a key; nothing for anything else.
std::optional<uint64_t> ParseNumberKey(std::string_view key);

// The key of the layer `id`; nothing if that is not 64 lower-case hexadecimal characters.
std::optional<std::string> LayerKey(std::string_view id);

// The id that a key of the family `layers` holds; nothing if it has another size.
std::optional<std::string> ParseLayerKey(std::string_view key);

// A decimal number of at most `max`: no sign, no blank, no leading zero; nothing for anything else.
std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t max);

// Whether `id` is a layer id: 64 lower-case hexadecimal characters.
bool IsLayerId(std::string_view id);

// Whether `name` names a component (docs/format/manifest.md).
bool IsComponent(std::string_view name);

// Whether `name` names a file in a folder and nothing above or below it: 1 to 255 printable ASCII characters,
// no slash, neither "." nor "..".
bool IsPlainFileName(std::string_view name);

// `key` of `family` as a message shows it: a number, hexadecimal, or the name itself.
std::string ShowKey(FamilyIndex family, std::string_view key);

}  // namespace veneer::catalog
