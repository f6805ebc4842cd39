// Which mounts a store has.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/fuse/control_channel.h"

namespace veneer::fuse {

// A live mount of a store, and the line to its server.
struct LiveMount {
  ControlChannel channel;
  nlohmann::json status;  // as the server describes itself: "dir", "generation", "pinned", ...

  // Where it was mounted. It may have been detached since, and another have taken the place.
  std::string dir() const { return status.value("dir", ""); }
  // st_dev of what is in it: what the mount is known by, wherever it is seen.
  dev_t device() const { return status.value("device", dev_t{0}); }
  uint64_t generation() const { return status.value("generation", uint64_t{0}); }
  // Of what it shows, in hex; "" from a server of an older version, which does not say.
  std::string effective_root() const { return status.value("effective_root", ""); }
  // Ids of what it shows, base first, as far as the server has said.
  std::vector<std::string> layers() const;
  bool pinned() const { return status.value("pinned", false); }

  // Whether that is `number`, with the effective root `root`.
  bool Shows(uint64_t number, const std::string& root) const {
    return generation() == number && (effective_root().empty() || effective_root() == root);
  }
};

// The live mounts of a store, and the servers of which nobody can say what they show.
struct FoundMounts {
  std::vector<LiveMount> live;
  std::vector<Error> silent;   // each names the server's process, or two that are at odds
  std::vector<Error> unasked;  // likewise; those that this user may not ask, whether or not they are there

  // The first of `silent`.
  Status AllAnswer() const;
};

// For who only shows: how long a server may be silent.
inline constexpr std::chrono::seconds kShowPatience{5};

// The live mounts of the store with `identity`, each once, also while `veneer reload` gives it another
// server; servers that are gone are passed over. Two servers of one mount are silent if neither ends. None of
// them is waited for longer than `patience`, nor all together. kIo, kInterrupted.
Result<FoundMounts> FindMounts(const std::string& identity, std::chrono::milliseconds patience);

// Likewise, for who has to know of every mount: one that is silent for ControlChannel::kPatience is an error,
// and so is one that may not be asked.
Result<std::vector<LiveMount>> FindLiveMounts(const std::string& identity);

// Where the store in the folder `store` is mounted and none of `live`, all the mounts that answer, is that
// mount: its server was killed, and maybe another is about to go on with it. Each once, in any name space.
// kIo.
Result<std::vector<std::string>> FindUnserved(const std::string& store, const std::vector<LiveMount>& live);
// Likewise. None where some server is silent or may not be asked: nobody knows which mount that has.
Result<std::vector<std::string>> FindUnserved(const std::string& store, const FoundMounts& found);

}  // namespace veneer::fuse
