// JSON messages over a Unix socket that keeps their bounds (SOCK_SEQPACKET), with descriptors beside them.
// They go as CBOR, whose strings may hold the bytes of any path.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::fuse {

// The longest message, in bytes, how deep arrays and objects lie in one another, and the most descriptors
// beside it.
inline constexpr size_t kMaxMessage = 128 << 10;
inline constexpr size_t kMaxDepth = 32;
inline constexpr size_t kMaxDescriptors = 250;

struct Message {
  nlohmann::json json;  // an object
  std::vector<UniqueFd> descriptors;
};

// kFailed if it is too long; kNotFound if the other end has gone; kIo.
Status SendMessage(int socket, const nlohmann::json& message, std::span<const int> descriptors = {});

// The next message; nothing when the other end has closed. The sender need not be trusted. kFailed for what
// is no JSON object within the bounds; kIo, also where this process may open no more descriptors.
Result<std::optional<Message>> ReceiveMessage(int socket);

// An error as an answer, and an answer, whoever sent it, as what it is: the error that it carries, or itself.
nlohmann::json ErrorAnswer(const Error& error);
Result<nlohmann::json> ReadAnswer(nlohmann::json answer);

}  // namespace veneer::fuse
