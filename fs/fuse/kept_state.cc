#include "fs/fuse/kept_state.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

namespace veneer::fuse {
namespace {

constexpr const char* kName = "memory for the next supervisor";

// Two places for a state. The first word of the file says which one counts, and how long what is in it is: it
// is written last, at one go.
constexpr off_t kPlaceSize = 64 << 20;  // what nobody wrote takes no memory
constexpr off_t PlaceOf(uint64_t number) {
  return 4096 + static_cast<off_t>(number) * kPlaceSize;
}

struct Head {
  uint32_t place = 0;
  uint32_t length = 0;  // 0: nothing was written yet
};
static_assert(sizeof(Head) == 8);

Result<Head> ReadHead(int fd) {
  Head head;
  if (::pread(fd, &head, sizeof head, 0) < 0) return FailErrno(errno, kName);
  return head;
}

Status WriteAt(int fd, const void* bytes, size_t size, off_t offset) {
  if (::pwrite(fd, bytes, size, offset) == static_cast<ssize_t>(size)) return {};
  return FailErrno(errno, kName);
}

}  // namespace

Result<KeptState> KeptState::Create() {
  UniqueFd memory(::memfd_create("veneer-state", MFD_CLOEXEC));
  if (!memory) return FailErrno(errno, kName);
  return KeptState(std::move(memory));
}

Status KeptState::Write(const nlohmann::json& state) {
  const std::vector<uint8_t> text = nlohmann::json::to_cbor(state);
  if (text.size() > kPlaceSize)
    return Fail(ErrorCode::kFailed, "{}: {} bytes are too many", kName, text.size());
  VENEER_ASSIGN(const Head before, ReadHead(memory_.get()));
  const Head head{1 - before.place, static_cast<uint32_t>(text.size())};
  VENEER_TRY(WriteAt(memory_.get(), text.data(), text.size(), PlaceOf(head.place)));
  return WriteAt(memory_.get(), &head, sizeof head, 0);
}

Result<nlohmann::json> KeptState::Read() const {
  VENEER_ASSIGN(const Head head, ReadHead(memory_.get()));
  std::vector<uint8_t> text(head.length);
  if (head.place > 1 || head.length > kPlaceSize ||
      ::pread(memory_.get(), text.data(), text.size(), PlaceOf(head.place)) !=
          static_cast<ssize_t>(text.size()))
    return Fail(ErrorCode::kFailed, "{}: is none", kName);
  auto state = nlohmann::json::from_cbor(text, true, false);
  if (!state.is_object()) return Fail(ErrorCode::kFailed, "{}: holds no state", kName);
  return state;
}

}  // namespace veneer::fuse
