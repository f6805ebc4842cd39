// How handlers answer: the translation of nodes, and the guard around each handler.
#pragma once

#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "fs/core/view.h"
#include "fs/fuse/context.h"
#include "fs/fuse/fuse_api.h"

namespace veneer::fuse {

// How long the kernel may keep what never changes, in seconds: without limit for all that matters.
inline constexpr double kForever = 1e9;

// st_* of `node`, as stat(2) shows it.
struct stat StatOf(const core::Node& node);

// The entry for `node`, found as `name` in `folder`, to be kept by the kernel as far as `moment` allows.
fuse_entry_param EntryOf(const core::Moment& moment, core::NodeId folder, std::string_view name,
                         const core::Node& node);

inline Context& ContextOf(fuse_req_t req) {
  return *static_cast<Context*>(fuse_req_userdata(req));
}

// Answers `req` about `node` with `error`, and tells the sink if it is one of ours.
void ReplyError(fuse_req_t req, core::NodeId node, const Error& error);

// Runs `body`, which replies itself unless it returns an error; that is then the answer. Nothing is thrown
// out of here, into C.
template <typename Body>
void AnswerNow(fuse_req_t req, core::NodeId node, const Body& body) noexcept {
  try {
    if (Status status = body(); !status) ReplyError(req, node, status.error());
  } catch (const std::bad_alloc&) {
    ReplyError(req, node, OutOfMemory());
  } catch (...) {
    ContextOf(req).counters.AddFailure(FailureKind::kOther);
    fuse_reply_err(req, EIO);
  }
}

// Likewise, in a lane (lanes.h): maybe later, so that `body` must hold all that it needs.
template <typename Body>
void AnswerIn(size_t lane, fuse_req_t req, core::NodeId node, Body body) noexcept {
  AnswerNow(req, node, [&]() -> Status {
    ContextOf(req).lanes.Run(lane, [req, node, body = std::move(body)] { AnswerNow(req, node, body); });
    return {};
  });
}

// Likewise for a `body` that takes a name, which is libfuse's for now only.
template <typename Body>
void AnswerIn(size_t lane, fuse_req_t req, core::NodeId node, const char* name, Body body) noexcept {
  AnswerNow(req, node, [&]() -> Status {
    ContextOf(req).lanes.Run(lane, [req, node, body = std::move(body), name = std::string(name)] {
      AnswerNow(req, node, [&] { return body(name); });
    });
    return {};
  });
}

}  // namespace veneer::fuse
