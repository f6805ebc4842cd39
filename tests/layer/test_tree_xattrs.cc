// Which xattrs an EROFS image can hold.
#include "fs/layer/tree_xattrs.h"
#include "tests/support/catch.h"

namespace veneer::layer {
namespace {

Status CheckOne(const std::string& name, size_t value_size) {
  return CheckXattrsFit("/t/file", {{name, std::string(value_size, 'v')}});
}

TEST_CASE("names that EROFS knows") {
  for (const char* name : {"user.x", "trusted.x", "security.capability", "system.posix_acl_access",
                           "system.posix_acl_default"}) {
    INFO(name);
    CHECK(CheckOne(name, 1).has_value());
  }
  for (const char* name : {"btrfs.compression", "system.nfs4_acl", "system.posix_acl_access2", "userx"}) {
    INFO(name);
    const Status status = CheckOne(name, 1);
    REQUIRE_FAILS(ErrorCode::kUsage, status);
    CHECK(status.error().message() == fmt::format("/t/file: EROFS cannot hold its xattr {}", name));
  }
}

TEST_CASE("a value has 65,535 bytes at most") {
  CHECK(CheckOne("user.x", 65535).has_value());
  REQUIRE_FAILS(ErrorCode::kUsage, CheckOne("user.x", 65536));
}

TEST_CASE("the xattrs of an inode have 262,148 bytes at most") {
  std::vector<erofs::Xattr> xattrs;
  for (const char* name : {"user.1", "user.2", "user.3", "user.4"}) {
    xattrs.push_back({name, std::string(65522, 'v')});  // with header and name, 65,532 bytes
  }
  CHECK(CheckXattrsFit("/t/file", xattrs).has_value());
  xattrs.push_back({"user.5", "12"});
  REQUIRE_FAILS(ErrorCode::kUsage, CheckXattrsFit("/t/file", xattrs));
}

}  // namespace
}  // namespace veneer::layer
