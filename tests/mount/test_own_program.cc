// A mount that holds the program that serves it.
#include <signal.h>

#include "tests/mount/damage.h"
#include "tests/mount/own_program.h"
#include "tests/support/process.h"

namespace veneer::test {
namespace {

TEST_CASE("a program that lies on the mount takes the mount over, and serves it whatever leaves the cache") {
  const bool cold = GENERATE(true, false);
  INFO((cold ? "cold" : "warm"));
  const OwnProgram mount;
  mount.RunInside({"--version"});
  if (cold) ForgetCaches();
  const pid_t former = mount.Status().at("supervisor_pid");
  mount.RunInside({"reload"});
  CHECK(mount.Status().at("supervisor_pid") != former);
  mount.ReadAll();
  ForgetCaches();
  KillWorker([&]() -> pid_t { return mount.Status().at("worker_pid"); });
  mount.ReadAll();
  const nlohmann::json before = mount.Status();
  ForgetCaches();
  REQUIRE(::kill(before.at("supervisor_pid"), SIGKILL) == 0);
  mount.ReadAll();
  const nlohmann::json after = mount.Status();
  CHECK(after.at("supervisor_pid") != before.at("supervisor_pid"));
  CHECK(after.at("guardian_pid") == before.at("guardian_pid"));
  CHECK(after.at("counters").at("supervisor_restarts") == 1);
}

}  // namespace
}  // namespace veneer::test
