// The state of a supervisor in a memory file, for a keeper (keeper.h): what the next one needs that is not in
// a descriptor. A kill at any time leaves the state before the write or the one after it.
//
// The worker must not get the descriptor: what is read here is trusted.
#pragma once

#include <nlohmann/json.hpp>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::fuse {

class KeptState {
 public:
  // kIo.
  static Result<KeptState> Create();
  // Takes over a descriptor of one that another process made.
  explicit KeptState(UniqueFd memory) : memory_(std::move(memory)) {}

  // kFailed if it is too long; kIo.
  Status Write(const nlohmann::json& state);
  // kFailed if there is none; kIo.
  Result<nlohmann::json> Read() const;

  int fd() const { return memory_.get(); }

 private:
  UniqueFd memory_;
};

}  // namespace veneer::fuse
