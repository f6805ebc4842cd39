// One item of a random tree: RandomTrees::Name, SomeKind, Item and what belongs to them.
#include <algorithm>

#include "tests/support/random_tree.h"

namespace veneer::test {
namespace {

using std::string_literals::operator""s;

// mkfs.erofs before 1.8 does not take names of 255 bytes.
constexpr size_t kLongName = 254;

const std::vector<std::string>& OddNames() {
  static const std::vector<std::string> names = {
      "-rf",        " ",     "a b",      "new\nline", "\xFF\xFE\x80",
      "\xC3\x28",   "tab\t", "\"quote'", "back\\",    "...",
      ".hidden",    "*?[",   "%s%n",     "\x01",      "\xC3\xA9t\xC3\xA9",
      "$(touch x)", "~",     "A"};
  return names;
}

void Append32(std::string& bytes, uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xFF);
}

void AppendAclEntry(std::string& acl, uint16_t tag, uint32_t permissions, uint32_t id) {
  acl += static_cast<char>(tag & 0xFF);
  acl += static_cast<char>(tag >> 8);
  acl += static_cast<char>(permissions & 7);
  acl += '\0';
  Append32(acl, id);
}

// An ACL for one user more, in the form of the xattrs (linux/posix_acl_xattr.h). Its other entries are those
// of `mode`: so setting it leaves the mode as it is.
std::string AclFor(uint32_t mode, uint32_t uid, uint32_t permissions) {
  constexpr uint32_t kNobody = 0xFFFFFFFF;
  std::string acl;
  Append32(acl, 2);  // version
  AppendAclEntry(acl, 0x01, mode >> 6, kNobody);
  AppendAclEntry(acl, 0x02, permissions, uid);
  AppendAclEntry(acl, 0x04, permissions, kNobody);
  AppendAclEntry(acl, 0x10, mode >> 3, kNobody);
  AppendAclEntry(acl, 0x20, mode, kNobody);
  return acl;
}

// struct vfs_cap_data of revision 2, effective.
std::string CapabilityOf(uint32_t permitted) {
  std::string capability;
  Append32(capability, 0x02000001);
  Append32(capability, permitted);
  for (int i = 0; i < 3; ++i) Append32(capability, 0);
  return capability;
}

}  // namespace

// Mostly of a few that meet again and share their beginnings, at times an odd or a long one.
std::string RandomTrees::Name() {
  static const std::vector<std::string> common = {"a",        "b",          "c",    "lib", "lib.so",
                                                  "lib.so.1", "lib.so.1.2", "lib-", "usr", "bin"};
  switch (Below(8)) {
    case 0:
    case 1:
      return OneOf(OddNames());
    case 2: {  // long ones that differ in their last bytes
      std::string name(kLongName, 'n');
      name.resize(kLongName - Below(3));
      name.back() = static_cast<char>('n' + Below(3));
      return name;
    }
    case 3:
      return "x" + std::to_string(Below(1000));
    default:
      return OneOf(common);
  }
}

Kind RandomTrees::SomeKind() {
  static const std::vector<Kind> kinds = {Kind::kFolder,     Kind::kFolder,     Kind::kFolder, Kind::kFile,
                                          Kind::kFile,       Kind::kFile,       Kind::kFile,   Kind::kFile,
                                          Kind::kSymlink,    Kind::kSymlink,    Kind::kFifo,   Kind::kSocket,
                                          Kind::kCharDevice, Kind::kBlockDevice};
  return OneOf(kinds);
}

void RandomTrees::SetMetadata(TreeItem& item) {
  static const std::vector<uint32_t> modes = {0644, 0755, 0600, 04755, 02755, 01777, 0, 0444, 06711, 0700};
  static const std::vector<uint32_t> owners = {0, 0, 0, 1000, 65534, 65536, 4294967294U};
  static const std::vector<int64_t> times = {0,          1,          1700000000, 1700000001,
                                             1712345678, 2147483648, 4102444800, -86400};
  static const std::vector<uint32_t> nanoseconds = {0, 1, 999999999, 123456789};
  item.mode = OneOf(modes);
  item.uid = OneOf(owners);
  item.gid = OneOf(owners);
  item.mtime = OneOf(times);
  item.mtime_nsec = OneOf(nanoseconds);
  item.xattrs.clear();
  if (OneIn(3)) SetXattrs(item);
}

void RandomTrees::SetXattrs(TreeItem& item) {
  const auto some_value = [&] { return std::string(Below(200), static_cast<char>('a' + Below(20))); };
  if (OneIn(2)) item.xattrs["trusted.t" + std::to_string(Below(3))] = some_value();
  if (OneIn(3)) item.xattrs["security.label"] = some_value() + "\0\xFF"s;
  if (item.kind == Kind::kFile && OneIn(3)) {
    item.xattrs["security.capability"] = CapabilityOf(static_cast<uint32_t>(Below(1 << 16)));
  }
  if (item.kind != Kind::kFile && item.kind != Kind::kFolder) return;
  if (OneIn(2)) item.xattrs["user.u" + std::to_string(Below(3))] = some_value();
  if (OneIn(6)) item.xattrs["user.empty"] = "";
  const auto uid = static_cast<uint32_t>(1000 + Below(5));
  const auto permissions = static_cast<uint32_t>(Below(8));
  if (OneIn(3)) item.xattrs["system.posix_acl_access"] = AclFor(item.mode, uid, permissions);
  if (item.IsFolder() && OneIn(3)) {
    item.xattrs["system.posix_acl_default"] = AclFor(static_cast<uint32_t>(Below(512)), uid, permissions);
  }
}

// Empty, small, of whole blocks or not, or mostly holes.
void RandomTrees::SetContent(TreeItem& item) {
  static const std::vector<uint64_t> sizes = {0, 1, 60, 2000, 4095, 4096, 4097, 8192, 20000};
  if (!OneIn(12)) {
    item.size = OneOf(sizes);
    if (item.size != 0) item.runs.push_back({0, item.size, Below(1 << 20)});
    return;
  }
  item.size = 1 + Below(1 << 20);
  for (uint64_t at = Below(100000); at < item.size; at += 4096 + Below(400000)) {
    const uint64_t size = std::min(item.size - at, 1 + Below(20000));
    item.runs.push_back({at, size, Below(1 << 20)});
    at += size;
  }
}

TreeItem RandomTrees::Item(Kind kind) {
  TreeItem item;
  item.kind = kind;
  if (kind == Kind::kWhiteout) {
    item.mode = 0;
    return item;
  }
  SetMetadata(item);
  if (kind == Kind::kFile) SetContent(item);
  if (kind == Kind::kSymlink) item.target = OneIn(6) ? std::string(1 + Below(4095), 't') : "../" + Name();
  if (kind == Kind::kCharDevice || kind == Kind::kBlockDevice) {
    item.major = static_cast<uint32_t>(1 + Below(4095));
    item.minor = static_cast<uint32_t>(Below(1 << 20));
  }
  return item;
}

}  // namespace veneer::test
