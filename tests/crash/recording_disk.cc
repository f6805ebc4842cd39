#include "tests/crash/recording_disk.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Kind = Step::Kind;

tl::unexpected<Error> Refused() {
  return Fail(ErrorCode::kNoSpace, "refused by the test");
}

std::string PathOf(int fd) {
  return stdfs::read_symlink("/proc/self/fd/" + std::to_string(fd));
}

// What was written to `fd` from `begin` to where it stands now.
Bytes WrittenSince(int fd, off_t begin) {
  Bytes bytes(static_cast<size_t>(::lseek(fd, 0, SEEK_CUR) - begin));
  if (::pread(fd, bytes.data(), bytes.size(), begin) != static_cast<ssize_t>(bytes.size())) bytes.clear();
  return bytes;
}

}  // namespace

Result<UniqueFd> RecordingDisk::CreateTemporary(std::string& path, unsigned mode) {
  return log_.Take([&] { return io::SystemDisk().CreateTemporary(path, mode); },
                   [&] {
                     return Step{Kind::kCreate, log_.Below(path), {}, 0, {}};
                   },
                   Refused());
}

Status RecordingDisk::Write(int fd, ByteSpan bytes, const std::string& name) {
  const off_t begin = ::lseek(fd, 0, SEEK_CUR);
  return Overwrite(fd, static_cast<uint64_t>(begin), bytes,
                   [&] { return io::SystemDisk().Write(fd, bytes, name); });
}

Status RecordingDisk::WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) {
  return Overwrite(fd, offset, bytes, [&] { return io::SystemDisk().WriteAt(fd, offset, bytes, name); });
}

template <typename Act>
Status RecordingDisk::Overwrite(int fd, uint64_t offset, ByteSpan bytes, const Act& act) {
  return log_.Take(
      act,
      [&] {
        return Step{Kind::kWrite, log_.Below(PathOf(fd)), {}, offset, Bytes(bytes.begin(), bytes.end())};
      },
      Refused());
}

Status RecordingDisk::Copy(int from, uint64_t offset, uint64_t length, int to, const std::string& name) {
  const off_t begin = ::lseek(to, 0, SEEK_CUR);
  return log_.Take(
      [&] { return io::SystemDisk().Copy(from, offset, length, to, name); },
      [&] {
        return Step{
            Kind::kWrite, log_.Below(PathOf(to)), {}, static_cast<uint64_t>(begin), WrittenSince(to, begin)};
      },
      Refused());
}

template <typename Act>
Status RecordingDisk::Change(Kind kind, const std::string& path, const std::string& other, const Act& act) {
  return log_.Take(
      act,
      [&] {
        return Step{kind, log_.Below(path), other.empty() ? "" : log_.Below(other), 0, {}};
      },
      Refused());
}

Status RecordingDisk::Sync(int fd, const std::string& name) {
  return Change(Kind::kSync, PathOf(fd), {}, [&] { return io::SystemDisk().Sync(fd, name); });
}

Status RecordingDisk::MakeFolder(const std::string& path) {
  return Change(Kind::kMakeFolder, path, {}, [&] { return io::SystemDisk().MakeFolder(path); });
}

Status RecordingDisk::Rename(const std::string& from, const std::string& to) {
  return Change(Kind::kRename, from, to, [&] { return io::SystemDisk().Rename(from, to); });
}

Status RecordingDisk::Exchange(const std::string& one, const std::string& other) {
  if (!exchanges_) return Fail(ErrorCode::kUnsupported, "{}: cannot be exchanged on this disk", other);
  return Change(Kind::kExchange, one, other, [&] { return io::SystemDisk().Exchange(one, other); });
}

Status RecordingDisk::Remove(const std::string& path) {
  return Change(Kind::kRemove, path, {}, [&] { return io::SystemDisk().Remove(path); });
}

Status RecordingDisk::RemoveTree(const std::string& path) {
  const stdfs::file_status status = stdfs::symlink_status(path);
  if (!stdfs::exists(status)) return {};
  if (stdfs::is_directory(status)) {
    const std::vector<stdfs::directory_entry> entries(stdfs::directory_iterator{path}, {});
    for (const auto& entry : entries) VENEER_TRY(RemoveTree(entry.path()));
  }
  return Change(Kind::kRemove, path, {}, [&]() -> Status {
    std::error_code error;
    return stdfs::remove(path, error) ? Status() : FailErrno(error.value(), path);
  });
}

Status RecordingDisk::SyncFolder(const std::string& path) {
  return Change(Kind::kSyncFolder, path, {}, [&] { return io::SystemDisk().SyncFolder(path); });
}

}  // namespace veneer::test
