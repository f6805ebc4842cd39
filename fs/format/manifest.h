// The signed manifest of a layer: JSON, schema 1. See docs/format/manifest.md and design §2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::format {

inline constexpr int kManifestSchema = 1;

// Limits of what is parsed at all.
inline constexpr size_t kMaxManifestSize = 2 << 20;  // bytes
inline constexpr int kMaxManifestDepth = 32;         // nested arrays and objects

enum class LayerKind { kBase, kPatch };
std::string_view KindWord(LayerKind kind);  // "base", "patch"

// A security advisory that a patch answers.
struct Advisory {
  std::string id;
  std::vector<std::string> cves;
  std::string severity;
  std::string summary;
};

// What a base says of itself.
struct OsInfo {
  std::string id;
  std::string version;
  std::vector<std::string> models;  // empty: any
};

// The bases that a patch may be laid over.
struct AppliesTo {
  std::string id;
  std::vector<std::string> versions;  // exact; never empty
  std::vector<std::string> models;    // empty: all
};

struct Manifest {
  LayerKind kind = LayerKind::kBase;
  std::string name;          // what a person calls the layer, e.g. "debian 12.5" or "openssl (a)"
  Digest root_hash{};        // dm-verity root digest of the image
  uint64_t image_size = 0;   // bytes, a multiple of 4096
  uint64_t tree_offset = 0;  // bytes; equals image_size
  uint64_t tree_size = 0;    // bytes, verity superblock included
  std::string created;       // RFC 3339, UTC, e.g. "2026-01-31T12:00:00Z"

  std::optional<OsInfo> os;  // base only

  // Patch only.
  std::string component;  // [a-z0-9][a-z0-9+.-]*, at most 64 characters
  uint32_t sequence = 0;  // 1, 2, ...
  std::optional<AppliesTo> applies_to;
  std::vector<std::string> requires_components;  // "requires"
  std::vector<Advisory> advisories;
  std::optional<uint32_t> security_floor;
  std::vector<std::string> restart;
  bool removable = true;
};

// Parses and checks a manifest. The text is read as ParseStrictJson reads it: UTF-8 is checked, duplicate
// keys are refused. Unknown keys are passed over (the text itself is what is kept and shown). kCorrupt if it
// is not such JSON, if a required key is missing, of the wrong type or out of range, or if a key of the other
// kind is there; kUnsupportedSchema for another `schema`. The message names the key. Any bytes are safe.
Result<Manifest> ParseManifest(ByteSpan json);

// The advisories of a JSON object {"advisories": [...]} and nothing else, in the form that a manifest has
// them. kCorrupt otherwise.
Result<std::vector<Advisory>> ParseAdvisories(ByteSpan json);

// The JSON text of `manifest`, with keys in a fixed order, ready to be signed. Nothing is checked: what came
// from a person is checked by ParseManifest of the result. A byte that is not UTF-8 becomes U+FFFD.
std::string WriteManifest(const Manifest& manifest);

// Whether `name` may name a component.
bool IsComponentName(std::string_view name);

// The letter of a sequence: 1 = a … 26 = z, 27 = aa, … Empty for 0.
std::string SequenceLetter(uint32_t sequence);

}  // namespace veneer::format
