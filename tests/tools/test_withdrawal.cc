// withdraw, and what a store makes of a withdrawal.
#include <filesystem>

#include "fs/crypto/sha256.h"
#include "fs/format/withdrawal.h"
#include "tests/tools/forge.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Ids = std::vector<std::string>;

TEST_CASE("a withdrawn patch is refused, at install and at activation, by every way in") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  const std::string withdrawal = store.Withdraw("w", file);

  SECTION("one that is not there yet") {
    const auto taken = store.Json({"install", withdrawal}).at("withdrawn").at(0);
    CHECK(taken.at("component") == "lib");
    CHECK(taken.at("letter") == "a");
    CHECK(taken.at("already") == false);
    CHECK(taken.at("active") == false);
    CHECK(taken.at("reason") == "it breaks things");
    store.RequireRefusal({"install", file}, "withdrawn");
    CHECK(store.Json({"install", withdrawal}).at("withdrawn").at(0).at("already") == true);
  }
  SECTION("one that is installed, and was active before") {
    const std::string id = store.Install(file);
    store.Json({"activate"});
    store.Json({"revert", "--all"});
    store.Json({"install", withdrawal});
    store.RequireRefusal({"install", file}, "withdrawn");
    store.RequireRefusal({"activate", "lib"}, "withdrawn");
    store.RequireRefusal({"revert"}, "withdrawn");
    store.RequireRefusal({"revert", "--to", "2"}, "withdrawn");
    const auto left_out = store.Json({"activate"}).at("left_out");
    CHECK(store.Current() == Ids{store.base});
    CHECK(left_out.empty());  // it was not asked for, and is not active
    const auto list = store.Json({"list"}).at("layers");
    CHECK(list.at(0).at("withdrawn") == false);
    CHECK(list.at(1).at("withdrawn") == true);
    CHECK(list.at(1).at("withdrawal_reason") == "it breaks things");
    CHECK(store.Json({"status"}).at("withdrawn").at(0).at("layer") == id);
    CHECK(store.Run({"list"}).out.find("withdrawn: it breaks things") != std::string::npos);
    const auto event = store.Json({"history"}).at("events").at(0);
    CHECK(event.at("kind") == "withdraw");
    CHECK(std::string(event.at("text")).find("lib (a) " + id + ": it breaks things") == 0);
  }
}

TEST_CASE("without auto an active patch stays and is named; the next activation drops it") {
  const PolicyStore store;
  const std::string id = store.Install(store.Patch("one", "lib", 1));
  const std::string other = store.Install(store.Patch("two", "other", 1));
  store.Json({"activate", "lib"});
  const CommandResult taken = store.Run({"install", store.Withdraw("w", id)});
  CHECK(taken.status == 0);
  CHECK(taken.out.find(" revert " + id) != std::string::npos);
  CHECK(store.Current() == Ids{store.base, id});
  CHECK(store.Json({"status"}).at("withdrawn").at(0).at("active") == true);
  const auto activated = store.Json({"activate", "other"});
  CHECK(store.Current() == Ids{store.base, other});
  CHECK(activated.at("left_out").at(0).at("id") == id);
  CHECK(activated.at("left_out").at(0).at("active") == true);
}

TEST_CASE(
    "with auto an active patch goes at once, with what requires it, and a later letter takes its place") {
  const PolicyStore store;
  store.SetPolicy(R"({"schema": 1, "auto": true})");
  const std::string first = store.Install(store.Patch("one", "lib", 1));
  const std::string needs = store.Install(store.Patch("two", "user", 1, {"--requires", "lib"}));
  store.Json({"activate"});
  CHECK(store.Current() == Ids{store.base, first, needs});
  const auto taken = store.Json({"install", store.Withdraw("w", first)});
  CHECK(taken.at("left_out").size() == 2);
  CHECK(taken.at("generation") == 3);
  CHECK(store.Current() == Ids{store.base});
  CHECK(store.Json({"history"}).at("events").at(0).at("kind") == "revert");

  const std::string second = store.Install(store.Patch("three", "lib", 2));
  store.Json({"activate"});
  CHECK(store.Current() == Ids{store.base, second, needs});
  // With a later one at hand, that one replaces it in the same step.
  const std::string third = store.Install(store.Patch("four", "lib", 3));
  store.Json({"install", store.Withdraw("w2", second)});
  CHECK(store.Current() == Ids{store.base, third, needs});
}

TEST_CASE("a withdrawal outlives the catalog, and only while its signature holds") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  const std::string id = store.Install(file);
  store.Json({"install", store.Withdraw("w", id)});
  const std::string kept = store.path() + "/withdrawals/" + id + ".withdrawal";
  CHECK(store.shop.Read(kept) == store.shop.Read(store.shop / "w.withdrawal"));
  stdfs::remove_all(store.path() + "/catalog");

  SECTION("as it was") {
    CHECK(store.Json({"repair-catalog"}).at("withdrawn") == nlohmann::json::array({id}));
    store.RequireRefusal({"activate", "lib"}, "withdrawn");
    CHECK(store.Current() == Ids{store.base});
  }
  SECTION("changed in one byte") {
    std::string bytes = store.shop.Read(kept);
    bytes[bytes.find("things")] = 'T';
    stdfs::remove(kept);
    store.shop.Write("store/withdrawals/" + id + ".withdrawal", bytes);
    const auto json = store.Json({"repair-catalog"});
    CHECK(json.at("withdrawn").empty());
    CHECK(json.at("passed_over").at(0).at("code") == "corrupt");
    store.Json({"activate", "lib"});
  }
}

TEST_CASE("a patch that is not removable is not dropped alone, and goes by every other way") {
  const PolicyStore store;
  store.SetPolicy(R"({"schema": 1, "auto": true})");
  const std::string id = store.Install(store.Patch("one", "lib", 1, {"--not-removable"}));
  store.Json({"activate"});
  RequireError(store.Run({"revert", "lib"}), 1, "revert", {"not removable", "revert --all"});
  CHECK(store.Current() == Ids{store.base, id});
  SECTION("bare") {
    store.Json({"revert"});
  }
  SECTION("all") {
    store.Json({"revert", "--all"});
  }
  SECTION("to a generation") {
    store.Json({"revert", "--to", "1"});
  }
  SECTION("withdrawn") {
    store.Json({"install", store.Withdraw("w", id)});
  }
  CHECK(store.Current() == Ids{store.base});
}

TEST_CASE("a later letter that cannot take its place does not keep a withdrawn patch active") {
  const PolicyStore store;
  store.SetPolicy(R"({"schema": 1, "auto": true})");
  const std::string first = store.Install(store.Patch("one", "lib", 1));
  const std::string other = store.Install(store.Patch("two", "other", 1));
  store.Json({"activate"});
  SECTION("in the way of another patch") {
    store.Install(store.PatchWith("three", "lib", 2, {"usr/lib/other", "", {}}));
  }
  SECTION("gone") {
    const std::string second = store.Install(store.Patch("three", "lib", 2));
    stdfs::remove(store.path() + "/layers/" + second + ".layer");
  }
  const CommandResult taken = store.Run({"install", store.Withdraw("w", first)});
  CHECK(taken.status == 0);
  CHECK(taken.out.find("no later letter takes its place: ") != std::string::npos);
  CHECK(store.Current() == Ids{store.base, other});
}

TEST_CASE("the mark of a withdrawal binds though its file is gone, and taking it in again mends that") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  const std::string withdrawal = store.Withdraw("w", file);
  store.Json({"install", withdrawal});
  stdfs::remove_all(store.path() + "/withdrawals");
  store.RequireRefusal({"install", file}, "withdrawn");
  CHECK(store.Json({"repair-catalog"}).at("withdrawn").size() == 1);
  store.RequireRefusal({"install", file}, "withdrawn");
  CHECK(store.Json({"install", withdrawal}).at("withdrawn").at(0).at("already") == false);
  CHECK(stdfs::exists(store.path() + "/withdrawals"));
}

TEST_CASE("a withdrawal that names a base binds nothing") {
  const PolicyStore store;
  const std::string file = store.Base("2");
  LayerParts parts = TakeApart(file);
  const std::string id = ToHex(crypto::Sha256(AsBytes(parts.manifest)));
  const std::string text = format::WriteWithdrawal({id, "lib", 1, "lies", "2026-01-31T12:00:00Z"});
  WriteFile(store.shop / "w", Sign(text, store.shop / "keys"));
  store.Json({"install", store.shop / "w"});  // nobody can tell yet
  store.Json({"install", file, "--activate"});
  CHECK(store.Current() == Ids{id});
  store.Json({"revert"});
  store.Json({"revert", "--to", "2"});
  CHECK(store.Current() == Ids{id});
  CHECK(store.Json({"status"}).at("withdrawn").at(0).at("active") == false);
  store.RequireRefusal({"install", store.shop / "w"}, "not-applicable");
}

TEST_CASE("a withdrawal is judged in the feed role, and names a patch") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  const std::string withdrawal = store.Withdraw("w", file);
  stdfs::remove(store.path() + "/trust/feed.d/ca.pem");
  store.RequireRefusal({"install", withdrawal}, "untrusted");
  CHECK(store.Json({"status"}).at("withdrawn").empty());
  RequireError(store.Run({"withdraw", store.base, "--reason", "r", "-o", store.shop / "x", "--key",
                          store.shop.key(), "--cert", store.shop.certificate()}),
               2, "withdraw", {"is a base"});
  RequireError(store.Run({"withdraw", file, "--reason", "two\nlines", "-o", store.shop / "x", "--key",
                          store.shop.key(), "--cert", store.shop.certificate()}),
               2, "withdraw", {"reason"});
  RequireError(store.Run({"withdraw", "nothing", "--reason", "r", "-o", store.shop / "x", "--key",
                          store.shop.key(), "--cert", store.shop.certificate()}),
               1, "withdraw", {"nothing"});
  RequireError(store.Run({"withdraw", file, "--reason", "r", "-o", withdrawal, "--key", store.shop.key(),
                          "--cert", store.shop.certificate()}),
               1, "withdraw", {"is there already"});
  CHECK_FALSE(stdfs::exists(store.shop / "x"));
}

}  // namespace
}  // namespace veneer::test
