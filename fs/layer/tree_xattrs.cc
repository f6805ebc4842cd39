#include "fs/layer/tree_xattrs.h"

#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace veneer::layer {
namespace {

constexpr std::array<std::string_view, 3> kPrefixes = {"user.", "trusted.", "security."};

// e_value_size has 16 bits, i_xattr_icount too: the header of 12 bytes and 65,534 words behind it.
constexpr size_t kMaxValueSize = 65535;
constexpr size_t kMaxInodeXattrSize = 12 + 4 * 65534;
constexpr size_t kEntryHeaderSize = 4;

// The names that llistxattr gives, each ended by a NUL; empty where there are none.
Result<std::string> ReadNames(const std::string& path) {
  for (;;) {
    const ssize_t size = ::llistxattr(path.c_str(), nullptr, 0);
    if (size < 0 && errno == EOPNOTSUPP) return std::string();
    if (size < 0) return FailErrno(errno, fmt::format("{}: listing xattrs", path));
    std::string names(static_cast<size_t>(size), '\0');
    const ssize_t got = ::llistxattr(path.c_str(), names.data(), names.size());
    if (got < 0 && errno == ERANGE) continue;  // there are more now
    if (got < 0) return FailErrno(errno, fmt::format("{}: listing xattrs", path));
    names.resize(static_cast<size_t>(got));
    return names;
  }
}

Result<std::string> ReadValue(const std::string& path, const std::string& name) {
  for (;;) {
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), nullptr, 0);
    if (size < 0) return FailErrno(errno, fmt::format("{}: reading xattr {}", path, name));
    std::string value(static_cast<size_t>(size), '\0');
    const ssize_t got = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (got < 0 && errno == ERANGE) continue;
    if (got < 0) return FailErrno(errno, fmt::format("{}: reading xattr {}", path, name));
    value.resize(static_cast<size_t>(got));
    return value;
  }
}

bool HasErofsName(std::string_view name) {
  if (name == "system.posix_acl_access" || name == "system.posix_acl_default") return true;
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

Result<std::vector<erofs::Xattr>> ReadXattrs(const std::string& path) {
  VENEER_ASSIGN(const std::string names, ReadNames(path));
  std::vector<erofs::Xattr> xattrs;
  for (size_t at = 0; at < names.size();) {
    std::string name(names.c_str() + at);
    at += name.size() + 1;
    VENEER_ASSIGN(std::string value, ReadValue(path, name));
    xattrs.push_back({std::move(name), std::move(value)});
  }
  std::sort(xattrs.begin(), xattrs.end());
  return xattrs;
}

Status CheckXattrsFit(const std::string& path, const std::vector<erofs::Xattr>& xattrs) {
  size_t size = 12;
  for (const erofs::Xattr& xattr : xattrs) {
    if (!HasErofsName(xattr.name)) {
      return Fail(ErrorCode::kUsage, "{}: EROFS cannot hold its xattr {}", path, xattr.name);
    }
    if (xattr.value.size() > kMaxValueSize) {
      return Fail(ErrorCode::kUsage, "{}: xattr {} has {} bytes, more than the {} that EROFS holds", path,
                  xattr.name, xattr.value.size(), kMaxValueSize);
    }
    // Counted with the name's prefix, which the image does not store: a few bytes too careful.
    size += (kEntryHeaderSize + xattr.name.size() + xattr.value.size() + 3) / 4 * 4;
  }
  if (size > kMaxInodeXattrSize) {
    return Fail(ErrorCode::kUsage, "{}: its xattrs have {} bytes, more than the {} that EROFS holds", path,
                size, kMaxInodeXattrSize);
  }
  return {};
}

}  // namespace veneer::layer
