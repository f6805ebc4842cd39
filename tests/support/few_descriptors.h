// What a process does that may open no more descriptors.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"

namespace veneer::test {

// This process may open `more` descriptors, for as long as this lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const UniqueFd lowest(::dup(STDERR_FILENO));
    REQUIRE(lowest);
    const rlimit few{static_cast<rlim_t>(lowest.get()) + more, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace veneer::test
