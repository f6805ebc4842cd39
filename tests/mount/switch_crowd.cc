#include "tests/mount/switch_crowd.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <random>

#include "fs/base/unique_fd.h"
#include "tests/support/until.h"

namespace veneer::test {

struct Crowd::Member {
  Member(unsigned seed, Role does) : role(does), random(seed) {}

  uint32_t Pick(const std::vector<uint32_t>& among) {
    return among[std::uniform_int_distribution<size_t>(0, among.size() - 1)(random)];
  }
  void Fail(const std::string& what, const std::string& path, int error) {
    if (errors.size() < 20) errors.push_back(fmt::format("{} {}: {}", what, path, std::strerror(error)));
  }

  const Role role;
  std::minstd_rand random;
  std::atomic<uint64_t> finished{0};  // operations
  std::vector<Seen> lookups;
  std::vector<Seen> listings;
  std::vector<std::string> errors;
  std::thread thread;
};

namespace {

bool IsAbsent(int error) {
  return error == ENOENT || error == ENOTDIR;
}

// All of a file, or the error.
int ReadAll(int fd, std::string& content) {
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0) return errno;
    if (n == 0) return 0;
    content.append(buffer.data(), static_cast<size_t>(n));
  }
}

// The names in a folder, read a few at a time; EEXIST for one that comes twice.
int ReadNames(int fd, size_t buffer_size, std::set<std::string>& names) {
  std::vector<char> buffer(buffer_size);
  for (;;) {
    const long n = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    if (n < 0) return errno;
    if (n == 0) return 0;
    for (long at = 0; at < n;) {
      dirent64 entry{};
      std::memcpy(&entry, buffer.data() + at, offsetof(dirent64, d_name));
      const std::string name(buffer.data() + at + offsetof(dirent64, d_name));
      at += entry.d_reclen;
      if (name != "." && name != ".." && !names.insert(name).second) return EEXIST;
    }
  }
}

}  // namespace

Crowd::Crowd(const std::string& mount, const std::map<std::string, ShownByTree>& trees, TickClock& clock,
             const Roles& roles)
    : mount_(mount), paths_(trees.begin(), trees.end()), clock_(clock) {
  for (uint32_t i = 0; i < paths_.size(); ++i) {
    bool file = false;
    bool folder = false;
    for (const Shown& shown : paths_[i].second) {
      file = file || (shown.present && S_ISREG(shown.st.st_mode));
      folder = folder || (shown.present && S_ISDIR(shown.st.st_mode));
    }
    if (file) files_.push_back(i);
    if (folder) folders_.push_back(i);
    if (TreesWithout(paths_[i].second) != 0) misses_.push_back(i);
  }
  for (const Role role : roles) {
    members_.push_back(std::make_unique<Member>(members_.size() + 1, role));
    Member& member = *members_.back();
    member.thread = std::thread([this, &member] { Run(member); });
  }
}

Crowd::~Crowd() {
  Stop();
}

void Crowd::Stop() {
  stop_ = true;
  for (const auto& member : members_) {
    if (!member->thread.joinable()) continue;
    member->thread.join();
    const auto take = [](auto& from, auto& to) { to.insert(to.end(), from.begin(), from.end()); };
    take(member->lookups, lookups_);
    take(member->listings, listings_);
    take(member->errors, errors_);
  }
}

bool Crowd::ComesThrough() const {
  return std::all_of(members_.begin(), members_.end(), [](const auto& member) {
    // One may be under way now, and began before.
    const uint64_t enough = member->finished + 2;
    return Await([&] { return member->finished >= enough; });
  });
}

void Crowd::WaitForAll() const {
  if (!ComesThrough()) FAIL("one who uses " << mount_ << " is held up");
}

void Crowd::Run(Member& member) const {
  constexpr void (Crowd::*kActs[])(Member&) const = {&Crowd::Open, &Crowd::Stat, &Crowd::Miss, &Crowd::List};
  // The first of those that a role has, and how many.
  constexpr std::pair<size_t, size_t> kRoles[] = {{0, 1}, {1, 2}, {3, 1}, {0, std::size(kActs)}};
  const auto [first, count] = kRoles[static_cast<size_t>(member.role)];
  while (!stop_) {
    (this->*kActs[first + member.random() % count])(member);
    ++member.finished;
  }
}

void Crowd::Add(Member& member, const Seen& one, bool listing) const {
  (listing ? member.listings : member.lookups).push_back(one);
}

// Opens a file and reads it all; now and then has the kernel forget it, so that the next one asks the mount.
void Crowd::Open(Member& member) const {
  Seen one;
  one.what = member.Pick(files_);
  const auto& [path, shown] = paths_[one.what];
  const std::string place = mount_ + "/" + path;
  std::string content;
  one.begin = clock_.Next();
  const UniqueFd fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const int error = fd ? 0 : errno;
  struct stat st {};
  const bool regular = fd && ::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode);
  const int read_error = regular ? ReadAll(fd.get(), content) : 0;
  one.end = clock_.Next();
  if (regular && member.random() % 4 == 0) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (read_error != 0) return member.Fail("read", path, read_error);
  if (regular) {
    one.trees = TreesWithContent(shown, content);
  } else if (fd) {
    one.trees = TreesWithStat(shown, st);
  } else if (error == ELOOP) {
    return;  // a symlink; the others look at those
  } else if (IsAbsent(error)) {
    one.trees = TreesWithout(shown);
  } else {
    return member.Fail("open", path, error);
  }
  Add(member, one, false);
}

void Crowd::Stat(Member& member) const {
  Seen one;
  one.what = static_cast<uint32_t>(member.random() % paths_.size());
  const auto& [path, shown] = paths_[one.what];
  const std::string place = mount_ + "/" + path;
  struct stat st {};
  one.begin = clock_.Next();
  const int error = ::lstat(place.c_str(), &st) == 0 ? 0 : errno;
  one.end = clock_.Next();
  if (error != 0 && !IsAbsent(error)) return member.Fail("stat", path, error);
  one.trees = error == 0 ? TreesWithStat(shown, st) : TreesWithout(shown);
  Add(member, one, false);
}

// Looks for what some trees lack: negative entries come and go.
void Crowd::Miss(Member& member) const {
  Seen one;
  one.what = member.Pick(misses_);
  const auto& [path, shown] = paths_[one.what];
  const std::string place = mount_ + "/" + path;
  one.begin = clock_.Next();
  const int error = ::faccessat(AT_FDCWD, place.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
  one.end = clock_.Next();
  if (error != 0 && !IsAbsent(error)) return member.Fail("access", path, error);
  const TreeSet without = TreesWithout(shown);
  one.trees = error != 0 ? without : ((TreeSet{1} << kTrees) - 1) & ~without;
  Add(member, one, false);
}

// Lists a folder, most times with so small a buffer that a switch can overtake it.
void Crowd::List(Member& member) const {
  Seen one;
  one.what = member.Pick(folders_);
  const auto& [path, shown] = paths_[one.what];
  const std::string place = mount_ + "/" + path;
  std::set<std::string> names;
  const size_t buffer = member.random() % 4 == 0 ? 32768 : 64 + member.random() % 200;
  one.begin = clock_.Next();
  const UniqueFd fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY));
  const int error = fd ? ReadNames(fd.get(), buffer, names) : errno;
  one.end = clock_.Next();
  if (error == 0) {
    one.trees = TreesWithNames(shown, names);
  } else if (!fd && (IsAbsent(error) || error == ELOOP)) {
    return;
  } else {
    return member.Fail(error == EEXIST ? "a name twice in" : "list", path, error);
  }
  Add(member, one, true);
}

}  // namespace veneer::test
