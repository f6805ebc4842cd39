#include "tests/support/look_ups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"

namespace veneer::test {
namespace {

constexpr size_t kMostLines = 20;

// As this user for as long as it lives.
class AsUser {
 public:
  explicit AsUser(uid_t uid) {
    REQUIRE(::setegid(uid) == 0);
    REQUIRE(::seteuid(uid) == 0);
  }
  ~AsUser() { static_cast<void>(::seteuid(0) == 0 && ::setegid(0) == 0); }
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
};

std::string Stat(int root, const std::string& path) {
  struct stat st {};
  if (::fstatat(root, path.c_str(), &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0)
    return std::strerror(errno);
  return fmt::format("{:o} {}:{} {}.{:09}", st.st_mode, st.st_uid, st.st_gid, st.st_mtim.tv_sec,
                     st.st_mtim.tv_nsec);
}

std::string Access(int root, const std::string& path) {
  std::string answers;
  for (const int mode : {R_OK, W_OK, X_OK}) {
    const int result = ::faccessat(root, path.c_str(), mode, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
    answers += std::string(result == 0 ? "yes" : std::strerror(errno)) + ", ";
  }
  return answers;
}

}  // namespace

std::string DescribeLookUps(const std::string& left, const std::string& right,
                            const std::set<std::string>& paths) {
  // The folders above may be closed to others: they start behind them.
  const UniqueFd a(::open(left.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd b(::open(right.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(a);
  REQUIRE(b);
  std::string report;
  size_t lines = 0;
  const auto compare = [&](const std::string& path, const std::string& one, const std::string& other) {
    if (one == other || ++lines > kMostLines) return;
    report += fmt::format("/{}: {} against {}\n", path, one, other);
  };
  for (const std::string& path : paths) compare(path, Stat(a.get(), path), Stat(b.get(), path));
  for (const uid_t uid : {1000U, 1002U, 65534U}) {
    const AsUser user(uid);
    for (const std::string& path : paths) {
      if (path.empty()) continue;
      compare(path, fmt::format("{} as {}", Access(a.get(), path), uid),
              fmt::format("{} as {}", Access(b.get(), path), uid));
    }
  }
  return report;
}

}  // namespace veneer::test
