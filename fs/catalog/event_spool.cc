#include "fs/catalog/event_spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <tuple>

#include "fs/base/unique_fd.h"
#include "fs/catalog/codec.h"
#include "fs/catalog/keys.h"
#include "fs/io/file_ops.h"

namespace veneer::catalog {
namespace {

constexpr int kTries = 100;
constexpr useconds_t kBetweenTries = 1000;  // microseconds

// Events that a crash left both here and in the catalog are among so many of its newest.
constexpr uint64_t kLookBack = 1000;

auto WithoutNumber(const Event& event) {
  return std::tie(event.time, event.kind, event.generation, event.by, event.text);
}

Status ReadFrom(const std::string& path, std::vector<Event>& events) {
  const auto bytes = io::ReadWholeFile(path, 2 * EventSpool::kMostBytes);
  if (!bytes) return bytes.error().code() == ErrorCode::kNotFound ? Status() : tl::unexpected(bytes.error());
  std::string_view rest(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    auto event = DecodeEvent(NumberKey(1), rest.substr(0, end));
    if (event) {
      event->number = 0;
      events.push_back(*std::move(event));
    }
    rest.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

Status DropKnown(const Catalog& catalog, std::vector<Event>& events) {
  VENEER_ASSIGN(const auto known, catalog.Events(events.size() + kLookBack));
  std::erase_if(events, [&](const Event& event) {
    return std::any_of(known.begin(), known.end(),
                       [&](const Event& other) { return WithoutNumber(event) == WithoutNumber(other); });
  });
  return {};
}

// Who takes the spool in gives it another name first, and then waits until nobody adds to it any more. So it
// may have been taken in meanwhile, and the line belongs into the next one.
Status EventSpool::Add(const Event& event) const {
  Event numbered = event;
  numbered.number = 1;
  VENEER_ASSIGN(const Entry entry, EncodeEvent(numbered));
  // Between ends of lines: after one that found no room for all of itself the next stands alone.
  const std::string line = "\n" + entry.value + "\n";
  for (int i = 0; i < kTries; ++i) {
    const UniqueFd file(::open(spool_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    struct stat st {};
    if (!file || ::fstat(file.get(), &st) != 0) return FailErrno(errno, spool_);
    if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) continue;
    if (::fstat(file.get(), &st) != 0) return FailErrno(errno, spool_);
    if (st.st_nlink == 0) continue;
    if (static_cast<uint64_t>(st.st_size) + line.size() > kMostBytes) {
      return Fail(ErrorCode::kNoSpace, "{}: is full; any veneer command that changes the store takes it in",
                  spool_);
    }
    return io::WriteAll(file.get(), AsBytes(line), spool_);
  }
  return Fail(ErrorCode::kBusy, "{}: is being taken in", spool_);
}

Result<std::vector<Event>> EventSpool::Read() const {
  std::vector<Event> events;
  VENEER_TRY(ReadFrom(taken_, events));
  VENEER_TRY(ReadFrom(spool_, events));
  return events;
}

Status EventSpool::TakeIn(Catalog& catalog) const {
  UniqueFd file(::open(taken_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    if (::rename(spool_.c_str(), taken_.c_str()) != 0)
      return errno == ENOENT ? Status() : FailErrno(errno, spool_);
    file.reset(::open(taken_.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file) return FailErrno(errno, taken_);
  for (int i = 0; ::flock(file.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kTries) return Fail(ErrorCode::kBusy, "{}: another process adds to it", taken_);
    ::usleep(kBetweenTries);
  }
  std::vector<Event> events;
  VENEER_TRY(ReadFrom(taken_, events));
  VENEER_TRY(DropKnown(catalog, events));
  if (!events.empty()) {
    Update update;
    for (Event& event : events) update.AddEvent(std::move(event));
    VENEER_TRY(catalog.Commit(std::move(update)));
  }
  if (::unlink(taken_.c_str()) != 0) return FailErrno(errno, taken_);
  return {};
}

}  // namespace veneer::catalog
