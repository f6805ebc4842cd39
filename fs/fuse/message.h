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

// The longest message, in bytes, and the most descriptors beside one.
inline constexpr size_t kMaxMessage = 128 << 10;
inline constexpr size_t kMaxDescriptors = 250;

struct Message {
  nlohmann::json json;  // an object
  std::vector<UniqueFd> descriptors;
};

// kFailed if it is too long; kNotFound if the other end has gone; kIo.
Status SendMessage(int socket, const nlohmann::json& message, std::span<const int> descriptors = {});

// The next message; nothing when the other end has closed. kFailed for what is no JSON object; kIo.
Result<std::optional<Message>> ReceiveMessage(int socket);

// An error as an answer, and an answer as what it is: the error that it carries, or itself.
nlohmann::json ErrorAnswer(const Error& error);
Result<nlohmann::json> ReadAnswer(nlohmann::json answer);

}  // namespace veneer::fuse
