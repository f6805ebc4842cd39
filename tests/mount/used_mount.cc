#include "tests/mount/used_mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/mount/damage.h"

namespace veneer::test {

UsedMount::UsedMount()
    : rig_(1),
      trees_(DescribeTrees(rig_.root())),
      inodes_(FindInodes()),
      file_(::open((rig_.mount(0) + "/" + kLongFile).c_str(), O_RDONLY | O_CLOEXEC)),
      crowd_(rig_.mount(0), trees_, clock_,
             {Role::kRead, Role::kRead, Role::kRead, Role::kList, Role::kStat}) {
  REQUIRE(file_);
}

void UsedMount::Check() const {
  ForgetCaches();
  CHECK(FindInodes() == inodes_);
  const std::string& content = trees_.at(kLongFile)[0].content;
  std::string read(content.size(), '\0');
  CHECK(::pread(file_.get(), read.data(), read.size(), 0) == static_cast<ssize_t>(read.size()));
  CHECK(read == content);
  crowd_.WaitForAll();
}

void UsedMount::Judge() {
  crowd_.Stop();
  CHECK(crowd_.errors() == std::vector<std::string>());
  const SwitchHistory history(0);
  CHECK(history.CountStrangers(crowd_.lookups()) == 0);
  CHECK(history.CountStrangers(crowd_.listings()) == 0);
  const auto counters = rig_.Status(0).at("counters");
  INFO(counters);
  CHECK(counters.at("failures") == 0);
  CHECK(counters.at("events_lost") == 0);
}

UsedMount::Inodes UsedMount::FindInodes() const {
  Inodes inodes;
  for (const auto& [path, shown] : trees_) {
    struct stat st {};
    if (::lstat((rig_.mount(0) + "/" + path).c_str(), &st) == 0) inodes[path] = {st.st_dev, st.st_ino};
  }
  return inodes;
}

}  // namespace veneer::test
