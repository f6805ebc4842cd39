// What the catalog holds, as values. See docs/format/catalog.md and key_space.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/bytes.h"

namespace veneer::catalog {

// A layer of the store.
struct LayerRecord {
  std::string id;            // hexadecimal
  uint16_t slot = 0;         // 1 to 65535, given once and never to another layer
  std::string file_name;     // below STORE/layers
  std::string manifest;      // its JSON text, a copy for listing: not trusted
  int64_t installed_at = 0;  // seconds since 1970
};

// A stack, immutable once written.
struct GenerationRecord {
  uint64_t number = 0;              // 1, 2, ...
  std::vector<std::string> layers;  // ids, base first
  Digest effective_root{};
  std::string reason;  // "activate", "revert", "repair-catalog": what led to it
  int64_t time = 0;
};

// Which generation is what, and the marks that bind installs.
struct State {
  uint64_t current = 0;                              // 0: none yet
  uint64_t pending = 0;                              // for the next mount; 0: none
  uint64_t last_good = 0;                            // 0: none
  std::map<std::string, uint32_t> highest_sequence;  // by component
  std::map<std::string, uint32_t> security_floor;    // lowest sequence that may be installed, by component
  std::map<std::string, uint64_t> withdrawn;         // when it was taken in, seconds since 1970, by layer id
  uint64_t tpm_count = 0;                            // what was taken in, as the TPM counts; 0: not counted
  uint64_t latest_time = 0;  // the latest at which a signature was found valid, seconds since 1970
};

// Something that happened.
struct Event {
  uint64_t number = 0;  // given by the catalog when it is written
  int64_t time = 0;
  std::string kind;         // "install", "activate", "revert", "corruption", ...
  uint64_t generation = 0;  // current after it
  std::string by;           // user name or uid, and program
  std::string text;
};

// SHA-256 over the stack's layer ids in order, each as its 64 hexadecimal characters and a newline: what
// `printf '%s\n' ID... | sha256sum` prints.
Digest EffectiveRoot(const std::vector<std::string>& layers);

}  // namespace veneer::catalog
