// What a mount counts, in memory that supervisor and worker share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fs/base/error.h"

namespace veneer::fuse {

// Why a request got EIO or ENOMEM.
enum class FailureKind : size_t {
  kCorrupt,   // a block did not match its signed hash
  kIo,        // the device under a layer failed
  kNoWorker,  // no worker could be had
  kNoMemory,
  kOther,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<size_t>(FailureKind::kCount)> kFailureWords = {
    "corrupt", "io", "no-worker", "no-memory", "other"};

FailureKind FailureKindOf(ErrorCode code);

// Since the mount began, whatever has served it. Safe from several threads and processes. Each is read on its
// own: the set is no snapshot.
struct Counters {
  using Count = std::atomic<uint64_t>;

  // Requests answered.
  Count lookups{0};
  Count attributes{0};
  Count listings{0};
  Count reads{0};
  Count bytes{0};  // of file content
  Count xattrs{0};

  // Requests that failed and are not of the caller's making, and blocks in whose place a kept copy was
  // served, by FailureKind.
  std::array<Count, kFailureWords.size()> failures{};

  // What the supervisor counts.
  Count switches{0};
  Count pauses_us{0};               // the longest pause of each switch (SwitchReport), added up
  Count longest_pause_us{0};        // of any switch
  Count worker_deaths{0};           // those included that could not be started
  Count worker_restarts{0};         // workers that were put to work in place of one that died
  Count supervisor_restarts{0};     // supervisors that went on for one that died
  Count events_lost{0};             // that found no way into the history; a worker counts here too
  Count closed_layers_verified{0};  // blocks of layers that were let go of meanwhile
  Count closed_layers_damaged{0};

  void AddFailure(FailureKind kind) {
    failures[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  }
  // For one process at a time.
  void AddSwitch(uint64_t longest_pause_us_of_it);
};

}  // namespace veneer::fuse
