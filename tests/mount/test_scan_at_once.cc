// `veneer scan` beside other commands: what it keeps waiting, what it does not, and what happens to it.
#include <sys/mount.h>

#include <array>
#include <csignal>

#include "fs/catalog/catalog_lock.h"
#include "tests/mount/mendable_store.h"
#include "tests/support/held_reads.h"
#include "tests/tools/error_pipe.h"

namespace veneer::test {
namespace {

nlohmann::json LastEvent(const MendableStore& store) {
  return store.Json({"history", "--limit", "1"}).at("events").at(0);
}

std::vector<std::string> ScanCommand(const MendableStore& store, std::vector<std::string> more) {
  more.insert(more.begin(), {"--store", store.path(), "scan"});
  return VeneerCommand(more);
}

TEST_CASE("a layer is mended, and others may change the store while the next ones are scanned") {
  const MendableStore store;
  const std::string patch = store.Patch("lib", "lib", 1);
  const std::string third = store.AddBase("4", 1, 4);
  store.Damage(store.BlockOf(1) * kBlockSize + 100);

  HeldReads last(store.FileOf(third));  // layers are scanned, and asked for blocks, as they were installed
  Command scan(ScanCommand(store, {"--repair"}));
  last.WaitForOne();
  {
    const auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(0));
    REQUIRE_OK(held);
  }
  CHECK(LastEvent(store).at("kind") == "repair");
  store.Json({"install", patch});
  last.Release();
  const CommandResult done = scan.Wait();
  INFO(done.out << done.err);
  CHECK(done.status == 0);
  CHECK(store.Json({"scan"}).at("findings").empty());
}

TEST_CASE("what gc took away while a scan went on is no damage") {
  const bool repair = GENERATE(false, true);
  const MendableStore store;
  std::vector<std::string> ids;  // of which the last one is wanted, and no other
  for (unsigned i = 1; i <= 3; ++i)
    ids.push_back(store.Install(store.Patch("lib-" + std::to_string(i), "lib", i)));
  const std::string first = store.FileOf(ids.front());
  store.DamageIn(first, kBlockSize + 100);

  HeldReads reads(first);  // the scan has it open by then, and the next one not
  Command scan(
      ScanCommand(store, repair ? std::vector<std::string>{"--repair"} : std::vector<std::string>{}));
  reads.WaitForOne();
  store.Json({"gc", "--keep", "0"});
  reads.Release();
  const CommandResult done = scan.Wait();
  INFO(done.out << done.err);
  CHECK(done.status == 0);
  CHECK(done.err == "");
  const std::string passed_over = "was removed meanwhile";
  const size_t one = done.out.find(passed_over);
  REQUIRE(one != std::string::npos);
  CHECK(done.out.find(passed_over, one + 1) != std::string::npos);
}

TEST_CASE("a layer that is missing though the catalog names it is damage, and install is what mends it") {
  const MendableStore store;
  REQUIRE(std::remove(store.FileOf(store.donor_id()).c_str()) == 0);
  RequireErrorLine(store.Run({"scan"}), 3, "scan", {"damage found in 1 places", "/store install FILE"});
  store.Damage(store.BlockOf(1) * kBlockSize);
  RequireErrorLine(store.Run({"scan"}), 3, "scan", {"damage found in 2 places", "/store scan --repair"});
}

TEST_CASE(
    "a signal stops a repair in its middle: what was mended stays so, is on record, and the rest follows") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  const MendableStore store;
  store.AddBase("4", 4, 2);  // has the one block, and the layer before it the other
  const uint64_t own = store.BlockOf(2);
  store.Damage(store.BlockOf(1) * kBlockSize);
  store.Damage(own * kBlockSize);

  HeldReads reads(store.FileOf(store.donor_id()));
  Command scan(ScanCommand(store, {"--repair", "--layer", store.base_id()}));
  reads.WaitForOne();
  scan.Signal(signal);
  reads.Release();
  const CommandResult stopped = scan.Wait();
  INFO(stopped.out << stopped.err);
  CHECK(stopped.status == 130);
  CHECK(stopped.err == "veneer: scan: interrupted\n");
  CHECK(LastEvent(store).at("kind") == "repair");
  CHECK(std::string(LastEvent(store).at("text")).find(": 1 of 2 damaged blocks") != std::string::npos);

  const auto findings = store.Json({"scan"}, 3).at("findings");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].at("block") == own);
  CHECK(store.Json({"scan", "--repair"}).at("repaired") == 1);
  store.RequireWhole();
}

TEST_CASE("a repair that was stopped, and that the history cannot tell of, says so") {
  const MendableStore store;
  store.AddBase("4", 4, 2);
  store.Damage(store.BlockOf(1) * kBlockSize);
  store.Damage(store.BlockOf(2) * kBlockSize);
  const std::string catalog = store.path() + "/catalog";

  HeldReads reads(store.FileOf(store.donor_id()));
  Command scan(ScanCommand(store, {"--repair", "--layer", store.base_id()}));
  reads.WaitForOne();
  REQUIRE(::mount(catalog.c_str(), catalog.c_str(), nullptr, MS_BIND, nullptr) == 0);
  REQUIRE(::mount(nullptr, catalog.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  scan.Signal(SIGTERM);
  reads.Release();
  const CommandResult stopped = scan.Wait();
  REQUIRE(::umount2(catalog.c_str(), MNT_DETACH) == 0);
  RequireErrorLine(stopped, 130, "scan",
                   {"interrupted; 1 repaired, not in the history", "Read-only file system"});
  CHECK(LastEvent(store).at("kind") != "repair");
}

TEST_CASE("two repairs at once: one mends, and the other finds that nothing is left to be mended") {
  const MendableStore store;
  store.Damage(store.BlockOf(1) * kBlockSize);
  const uint64_t events = store.Json({"history", "--limit", "99"}).at("events").size();
  auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(0));
  REQUIRE_OK(held);
  std::array<ErrorPipe, 2> errors;
  Command one(ScanCommand(store, {"--repair"}), errors[0].write());
  Command two(ScanCommand(store, {"--repair"}), errors[1].write());
  // Both have found the damage.
  for (ErrorPipe& error : errors) CHECK(error.ReadLine().find("waiting for it") != std::string::npos);
  held->reset();
  for (Command* scan : {&one, &two}) {
    const CommandResult done = scan->Wait();
    INFO(done.out);
    CHECK(done.status == 0);
  }
  CHECK(store.Json({"history", "--limit", "99"}).at("events").size() == events + 1);
  store.RequireWhole();
}

}  // namespace
}  // namespace veneer::test
