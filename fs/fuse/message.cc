#include "fs/fuse/message.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr size_t kControlSize = CMSG_SPACE(kMaxDescriptors * sizeof(int));

std::vector<UniqueFd> TakeDescriptors(msghdr& header) {
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

// Whether what begins at the front of `text` is a CBOR item (RFC 8949, section 3) of a kind that we send.
// Takes off its head, and with a string its bytes, but not what is in an array or object. Tags and what has
// no length (a string in parts, an array without a count) are not among them: the parser calls itself for
// each byte of those, and asks nobody.
bool TakePlainItem(std::string_view& text) {
  enum Kind : uint8_t { kBytes = 2, kText = 3, kTag = 6 };
  const auto first = static_cast<uint8_t>(text.front());
  const unsigned kind = first >> 5;
  uint64_t argument = first & 31;
  text.remove_prefix(1);
  if (argument >= 28 || kind == kTag) return false;
  if (argument >= 24) {
    const size_t size = size_t{1} << (argument - 24);
    if (text.size() < size) return false;
    argument = 0;
    for (size_t i = 0; i < size; ++i) argument = argument << 8 | static_cast<uint8_t>(text[i]);
    text.remove_prefix(size);
  }
  if (kind != kBytes && kind != kText) return true;
  if (argument > text.size()) return false;
  text.remove_prefix(argument);
  return true;
}

bool IsPlain(std::string_view text) {
  while (!text.empty()) {
    if (!TakePlainItem(text)) return false;
  }
  return true;
}

// Stops where the parser, which is recursive, would go too deep; takes everything else.
class DepthLimit final : public nlohmann::json_sax<json> {
 public:
  bool start_object(std::size_t) override { return ++depth_ <= kMaxDepth; }
  bool start_array(std::size_t) override { return ++depth_ <= kMaxDepth; }
  bool end_object() override { return depth_-- > 0; }
  bool end_array() override { return depth_-- > 0; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  size_t depth_ = 0;
};

Result<json> ParseMessage(std::string_view text) {
  DepthLimit limit;
  if (IsPlain(text) && json::sax_parse(text.begin(), text.end(), &limit, json::input_format_t::cbor)) {
    json message = json::from_cbor(text.begin(), text.end(), true, false);
    if (message.is_object()) return message;
  }
  return Fail(ErrorCode::kFailed, "control socket: a message that is no JSON object");
}

}  // namespace

Status SendMessage(int socket, const json& message, std::span<const int> descriptors) {
  std::vector<uint8_t> text = json::to_cbor(message);
  if (text.size() > kMaxMessage)
    return Fail(ErrorCode::kFailed, "a control message of {} bytes is too long", text.size());
  if (descriptors.size() > kMaxDescriptors)
    return Fail(ErrorCode::kFailed, "a control message with {} descriptors", descriptors.size());
  iovec content{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &content;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[kControlSize] = {};
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &header, MSG_NOSIGNAL) >= 0) return {};
    if (errno == EPIPE || errno == ECONNRESET)
      return Fail(ErrorCode::kNotFound, "control socket: nobody is there");
    if (errno != EINTR) return FailErrno(errno, "control socket");
  }
}

Result<std::optional<Message>> ReceiveMessage(int socket) {
  // Had once, it is there also when memory is short.
  thread_local std::string text;
  text.resize(kMaxMessage);
  iovec content{text.data(), text.size()};
  alignas(cmsghdr) char control[kControlSize] = {};
  msghdr header{};
  header.msg_iov = &content;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n == 0 || (n < 0 && errno == ECONNRESET)) return std::nullopt;
  if (n < 0) return FailErrno(errno, "control socket");
  Message message{{}, TakeDescriptors(header)};
  if ((header.msg_flags & MSG_CTRUNC) != 0)
    return Fail(ErrorCode::kIo, "control socket: too many open files; raise the limit of file descriptors");
  VENEER_ASSIGN(message.json, ParseMessage(std::string_view(text.data(), static_cast<size_t>(n))));
  return message;
}

json ErrorAnswer(const Error& error) {
  return {{"error", {{"code", CodeWord(error.code())}, {"message", error.message()}}}};
}

Result<json> ReadAnswer(json answer) {
  const auto error = answer.find("error");
  if (error == answer.end() || !error->is_object()) return answer;
  const auto text = [&](const char* key) {
    const auto member = error->find(key);
    return member != error->end() && member->is_string() ? member->get<std::string>() : std::string();
  };
  return tl::unexpected<Error>(Error(CodeOfWord(text("code")), text("message")));
}

}  // namespace veneer::fuse
