// The model of a power cut, held against what POSIX says.
#include "tests/crash/disk_model.h"

#include <set>

#include "tests/support/catch.h"

namespace veneer::test {
namespace {

using Kind = Step::Kind;

Bytes Text(std::string_view text) {
  return {text.begin(), text.end()};
}

DiskModel After(const std::vector<Step>& steps) {
  DiskModel disk({{"old", Text("old")}});
  for (const Step& step : steps) disk.Apply(step);
  return disk;
}

const Tree kBefore = {{"old", Text("old")}};
const Step kCreate{Kind::kCreate, "new", {}, 0, {}};
const Step kWrite{Kind::kWrite, "new", {}, 0, Text("new")};
const Step kSync{Kind::kSync, "new", {}, 0, {}};
const Step kRename{Kind::kRename, "new", "old", 0, {}};
const Step kSyncFolder{Kind::kSyncFolder, ".", {}, 0, {}};

TEST_CASE("a cut takes the names of a folder that was not synced, and what was written to a file") {
  CHECK(After({kCreate, kWrite}).Now() == Tree{{"new", Text("new")}, {"old", Text("old")}});
  CHECK(After({kCreate, kWrite, kSync}).AfterCut() == kBefore);
  CHECK(After({kCreate, kWrite, kSyncFolder}).AfterCut() == Tree{{"new", Bytes()}, {"old", Text("old")}});
  CHECK(After({kCreate, kWrite, kRename, kSyncFolder}).AfterCut() == Tree{{"old", Bytes()}});
  CHECK(After({kCreate, kWrite, kSync, kRename}).AfterCut() == kBefore);
  CHECK(After({kCreate, kWrite, kSync, kRename, kSyncFolder}).AfterCut() == Tree{{"old", Text("new")}});
}

TEST_CASE("a cut brings back what was removed or exchanged in a folder that was not synced") {
  const Step folder{Kind::kMakeFolder, "new", {}, 0, {}};
  const Step exchange{Kind::kExchange, "new", "old", 0, {}};
  const Step remove{Kind::kRemove, "old", {}, 0, {}};
  CHECK(After({remove}).AfterCut() == kBefore);
  CHECK(After({remove, kSyncFolder}).AfterCut().empty());
  CHECK(After({folder, kSyncFolder, exchange}).AfterCut() ==
        Tree{{"new", std::nullopt}, {"old", Text("old")}});
  CHECK(After({folder, exchange, kSyncFolder}).AfterCut() ==
        Tree{{"new", Text("old")}, {"old", std::nullopt}});
}

TEST_CASE("one name survives alone, with what was synced of its file, or is lost alone") {
  const Step other{Kind::kCreate, "other", {}, 0, {}};
  const DiskModel disk = After({kCreate, kWrite, kSync, other, {Kind::kRename, "new", "old", 0, {}}});
  REQUIRE(disk.UnsyncedNames() == 3);
  CHECK(disk.AfterCutKeeping(0) == Tree{{"new", Text("new")}, {"old", Text("old")}});
  CHECK(disk.AfterCutKeeping(1) == Tree{{"old", Text("old")}, {"other", Bytes()}});
  CHECK(disk.AfterCutKeeping(2) == Tree{{"old", Text("new")}});
  CHECK(disk.AfterCutLosing(0) == Tree{{"old", Text("new")}, {"other", Bytes()}});
  CHECK(disk.AfterCutLosing(1) == Tree{{"old", Text("new")}});
  CHECK(disk.AfterCutLosing(2) == Tree{{"new", Text("new")}, {"old", Text("old")}, {"other", Bytes()}});
  CHECK(After({kCreate, kWrite}).AfterCutKeeping(0) == Tree{{"new", Bytes()}, {"old", Text("old")}});
  CHECK(After({kCreate, kSyncFolder}).UnsyncedNames() == 0);
}

TEST_CASE("what survives unsynced is any part of it, and a rename happened or did not") {
  const DiskModel disk = After({kCreate,
                                kWrite,
                                kSync,
                                kSyncFolder,
                                {Kind::kWrite, "new", {}, 3, Text("ab")},
                                {Kind::kWrite, "new", {}, 5, Text("cd")},
                                {Kind::kRename, "new", "other", 0, {}}});
  std::set<std::string> contents;
  std::set<std::string> names;
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    const Tree tree = disk.AfterCut(random);
    CHECK(tree.size() == 2);
    CHECK(tree.contains("new") != tree.contains("other"));
    for (const auto& [name, content] : tree) {
      if (name == "old") continue;
      names.insert(name);
      contents.emplace(AsText(*content));
    }
  }
  CHECK(names == std::set<std::string>{"new", "other"});
  for (const char* one : {"new", "newa", "newab", "newabc", "newabcd"}) CHECK(contents.contains(one));
  CHECK(contents.contains(std::string("new\0\0cd", 7)));
}

}  // namespace
}  // namespace veneer::test
