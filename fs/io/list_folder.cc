#include "fs/io/list_folder.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "fs/base/unique_fd.h"

namespace veneer::io {
namespace {

struct Closer {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

Result<std::vector<std::string>> ListFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOTDIR) return Fail(ErrorCode::kCorrupt, "{}: not a folder", path);
  if (fd < 0) return FailErrno(errno, path);
  const std::unique_ptr<DIR, Closer> folder(::fdopendir(fd));
  if (!folder) {
    const UniqueFd closed(fd);
    return FailErrno(errno, path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) return FailErrno(errno, path);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace veneer::io
