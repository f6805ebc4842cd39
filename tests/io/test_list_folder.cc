#include "fs/io/list_folder.h"

#include <fcntl.h>

#include <filesystem>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

namespace veneer::io {
namespace {

TEST_CASE("a folder's names come sorted, hidden ones too") {
  const test::Scratch scratch;
  CHECK(ListFolder(scratch.path())->empty());
  for (const char* name : {"b", ".a", "c"}) std::filesystem::create_directory(scratch / name);
  CHECK(*ListFolder(scratch.path()) == std::vector<std::string>{".a", "b", "c"});
}

TEST_CASE("what is no folder, or cannot be read, is an error and not an empty one") {
  const test::Scratch scratch;
  REQUIRE_FAILS(ErrorCode::kNotFound, ListFolder(scratch / "none"));
  const UniqueFd file(::open((scratch / "file").c_str(), O_WRONLY | O_CREAT, 0600));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ListFolder(scratch / "file"));
}

}  // namespace
}  // namespace veneer::io
