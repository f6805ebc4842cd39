#include "tests/mount/kept_mount.h"

#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/support/catch.h"

namespace veneer::test {
namespace {

void Ignore(const fuse::Happening&) {}

}  // namespace

KeptMount::KeptMount(const std::string& store, std::string target)
    : target_(std::move(target)), guardian_([](fuse::Guardian::Kept kept, fuse::Keeper& keeper) {
        return fuse::Supervisor::Resume(std::move(kept), keeper, Ignore);
      }) {
  REQUIRE_OK(guardian_.Start([&](fuse::Guardian::Kept, fuse::Keeper& keeper) {
    fuse::MountOptions options;
    options.store = store;
    options.target = target_;
    return fuse::Supervisor::Start(std::move(options), Ignore, &keeper);
  }));
}

KeptMount::~KeptMount() {
  ::umount2(target_.c_str(), MNT_DETACH);
  if (guardian_.supervisor() != 0) ::kill(guardian_.supervisor(), SIGKILL);
  guardian_.Guard();  // there is nothing to go on with
}

void KeptMount::KillAndResume() {
  ::kill(guardian_.supervisor(), SIGKILL);
  while (guardian_.supervisor() != 0) guardian_.Step();
  while (guardian_.supervisor() == 0) guardian_.Step();
}

// A supervisor says what is to be kept before it does what the next one would need it for.
std::set<std::string> KeptMount::Names() {
  guardian_.Hear();
  std::set<std::string> names;
  for (const auto& [name, fd] : guardian_.kept()) names.insert(name);
  return names;
}

}  // namespace veneer::test
