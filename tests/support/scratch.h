// A folder of its own for a test that needs real files, removed when the test ends.
#pragma once

#include <filesystem>
#include <string>

#include "fs/io/file_ops.h"
#include "tests/support/catch.h"

namespace veneer::test {

class Scratch {
 public:
  Scratch() : folder_(io::TemporaryFolder::Create(std::filesystem::temp_directory_path())) {
    REQUIRE_OK(folder_);
  }

  // The path of `name` in the folder.
  std::string operator/(const std::string& name) const { return folder_->path() + "/" + name; }
  const std::string& path() const { return folder_->path(); }

 private:
  Result<io::TemporaryFolder> folder_;
};

}  // namespace veneer::test
