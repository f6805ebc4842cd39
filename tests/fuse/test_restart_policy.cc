#include "fs/fuse/restart_policy.h"

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

TEST_CASE("a worker that died is followed at once, unless many die as soon as they begin") {
  RestartPolicy policy;
  // However many, if each has served for a while.
  for (int64_t now = 1000; now < 20'000; now += 600) CHECK(policy.Died(0, 600, now) == now);
  for (int i = 0; i < 4; ++i) CHECK(policy.Died(0, 1 + i, 20'001 + i) == 20'001 + i);
  CHECK(policy.Died(0, 1, 20'006) == 21'006);
  CHECK(policy.Died(0, 1, 21'007) == 23'007);
  CHECK(policy.Died(0, 1, 23'008) == 27'008);
  int64_t now = 27'008;
  for (int i = 0; i < 10; ++i) now = policy.Died(0, 0, now);
  CHECK(policy.Died(0, 0, now) == now + RestartPolicy::kLongestWait);
  // One that lives clears the past.
  CHECK(policy.Died(0, 10'000, now + 10'000) == now + 10'000);
  CHECK(policy.Died(0, 1, now + 10'001) == now + 10'001);
}

TEST_CASE("old deaths do not count, and a reset forgets them all") {
  RestartPolicy policy;
  for (int64_t now = 0; now < 60'000; now += 3'000) CHECK(policy.Died(0, 0, now) == now);
  for (int i = 0; i < 4; ++i) static_cast<void>(policy.Died(0, 0, 70'000));
  policy.Reset();
  CHECK(policy.Died(0, 0, 70'000) == 70'000);
}

TEST_CASE("workers that take long to load and die then are not started for ever") {
  RestartPolicy policy;
  int64_t now = 0;
  for (; now < 32'000; now += 8'000) CHECK(policy.Died(8'000, 0, now) == now);
  CHECK(policy.Died(8'000, 0, now) == now + RestartPolicy::kFirstWait);
}

TEST_CASE("after one that took too long to load there is a wait at once") {
  RestartPolicy policy;
  CHECK(policy.Died(59'999, 0, 100'000) == 100'000);
  CHECK(policy.Died(90'000, 0, 200'000) == 201'000);
  CHECK(policy.Died(90'000, 0, 300'000) == 302'000);
  policy.Reset();
  CHECK(policy.Died(0, 0, 400'000) == 400'000);
}

}  // namespace
}  // namespace veneer::fuse
