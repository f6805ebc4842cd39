#include "fs/catalog/event_spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <tuple>

#include "fs/base/unique_fd.h"
#include "fs/catalog/codec.h"
#include "fs/catalog/keys.h"
#include "fs/io/file_ops.h"
#include "fs/io/random_access_file.h"

namespace veneer::catalog {
namespace {

constexpr int kTries = 100;
constexpr useconds_t kBetweenTries = 1000;  // microseconds

// Events that a crash left both here and in the catalog are among so many of its newest.
constexpr uint64_t kLookBack = 1000;

auto WithoutNumber(const Event& event) {
  return std::tie(event.time, event.kind, event.generation, event.by, event.text);
}

// kDamaged where what lies there is no spool.
Result<UniqueFd> OpenSpool(const std::string& path, int flags) {
  return io::OpenRegular(path, flags, 0644).map_error([](const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) return error;
    return Error(ErrorCode::kDamaged, error.message() + ", and so no spool of events");
  });
}

// Tells what was lost, as of the time of the file's last change: told again, it is the same event.
Event Lost(const struct stat& file, std::string text) {
  return {0, file.st_mtime, "events-lost", 0, "veneer", "events of mounts are lost: " + std::move(text)};
}

// All that a file of events holds. kDamaged for what no spool can be; kIo.
Result<std::vector<Event>> ReadFrom(const io::PosixFile& file) {
  struct stat st {};
  if (::fstat(file.fd(), &st) != 0) return FailErrno(errno, file.name());
  if (file.size() > 2 * EventSpool::kMostBytes) {
    return Fail(ErrorCode::kDamaged, "{}: {} bytes, more than any spool of events has", file.name(),
                file.size());
  }
  Bytes bytes(file.size());
  VENEER_TRY(file.ReadExact(0, bytes));
  SpoolLines lines = ReadSpoolLines(AsText(bytes));
  if (lines.lost != 0) {
    lines.events.push_back(Lost(st, fmt::format("{} lines of their spool cannot be read", lines.lost)));
  }
  if (file.size() >= EventSpool::kFullBytes)
    lines.events.push_back(Lost(st, "their spool is full, and had no room for later ones"));
  return std::move(lines.events);
}

// Waits until nobody adds to the file any more.
Status WaitForAdders(int fd, const std::string& path) {
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kTries) return Fail(ErrorCode::kBusy, "{}: another process adds to it", path);
    ::usleep(kBetweenTries);
  }
  return {};
}

// Has the file, which has `size` bytes, say that it was full. As many times as somebody does at the same
// time it says the same.
void MarkFull(int fd, uint64_t size, const std::string& path) {
  if (size >= EventSpool::kFullBytes) return;
  const std::string ends(EventSpool::kFullBytes - size, '\n');
  static_cast<void>(io::WriteAll(fd, AsBytes(ends), path));
}

// `path` where nothing has that name, or else the first free one of PATH-2, PATH-3, ...
std::string FreeName(const std::string& path) {
  std::string name = path;
  struct stat st {};
  for (int i = 2; ::lstat(name.c_str(), &st) == 0; ++i) name = fmt::format("{}-{}", path, i);
  return name;
}

}  // namespace

SpoolLines ReadSpoolLines(std::string_view text) {
  SpoolLines lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) continue;
    auto event = DecodeEvent(NumberKey(1), line);
    if (!event) {
      ++lines.lost;
      continue;
    }
    event->number = 0;
    lines.events.push_back(*std::move(event));
  }
  return lines;
}

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
    const auto file = OpenSpool(spool_, O_WRONLY | O_APPEND | O_CREAT);
    if (!file) return tl::unexpected(file.error());
    struct stat st {};
    if (::flock(file->get(), LOCK_SH | LOCK_NB) != 0) continue;
    if (::fstat(file->get(), &st) != 0) return FailErrno(errno, spool_);
    if (st.st_nlink == 0) continue;
    const auto size = static_cast<uint64_t>(st.st_size);
    if (size + line.size() > kMostBytes) {
      MarkFull(file->get(), size, spool_);
      return Fail(ErrorCode::kNoSpace, "{}: is full; any veneer command that changes the store takes it in",
                  spool_);
    }
    return io::WriteAll(file->get(), AsBytes(line), spool_);
  }
  return Fail(ErrorCode::kBusy, "{}: is being taken in", spool_);
}

EventSpool::Waiting EventSpool::Read() const {
  Waiting waiting;
  for (const std::string& path : {taken_, spool_}) {
    const auto file = OpenSpool(path, O_RDONLY).and_then([&](UniqueFd fd) {
      return io::PosixFile::FromFd(std::move(fd), path);
    });
    if (!file && file.error().code() == ErrorCode::kNotFound) continue;
    auto events = file.and_then([](const auto& open) { return ReadFrom(*open); });
    if (events) {
      std::move(events->begin(), events->end(), std::back_inserter(waiting.events));
    } else {
      waiting.passed_over.push_back(std::move(events).error());
    }
  }
  return waiting;
}

// The commit comes first: what is told a second time is known by then.
Status EventSpool::TakeIn(Catalog& catalog) const {
  auto fd = OpenSpool(taken_, O_RDONLY);
  if (!fd && fd.error().code() == ErrorCode::kNotFound) {
    if (::rename(spool_.c_str(), taken_.c_str()) != 0)
      return errno == ENOENT ? Status() : FailErrno(errno, spool_);
    fd = OpenSpool(taken_, O_RDONLY);
  }
  if (!fd && fd.error().code() != ErrorCode::kDamaged) return tl::unexpected(fd.error());
  struct stat st {};
  if (::lstat(taken_.c_str(), &st) != 0) return FailErrno(errno, taken_);
  if (fd) VENEER_TRY(WaitForAdders(fd->get(), taken_));
  // Open, and so locked, until the end.
  const auto file = std::move(fd).and_then(
      [&](UniqueFd locked) { return io::PosixFile::FromFd(std::move(locked), taken_); });
  auto events = file.and_then([](const auto& open) { return ReadFrom(*open); });
  std::string aside;
  if (!events) {
    aside = FreeName(bad_);
    events = {Lost(st, fmt::format("{}; it is set aside as {}", events.error().message(), aside))};
  }
  VENEER_TRY(DropKnown(catalog, *events));
  if (!events->empty()) {
    Update update;
    for (Event& event : *events) update.AddEvent(std::move(event));
    VENEER_TRY(catalog.Commit(std::move(update)));
  }
  const bool gone =
      aside.empty() ? ::unlink(taken_.c_str()) == 0 : ::rename(taken_.c_str(), aside.c_str()) == 0;
  if (!gone) return FailErrno(errno, taken_);
  return {};
}

}  // namespace veneer::catalog
