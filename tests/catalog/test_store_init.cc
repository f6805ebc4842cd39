#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "fs/base/unique_fd.h"
#include "fs/catalog/store.h"
#include "tests/catalog/samples.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

namespace filesystem = std::filesystem;

std::set<std::string> NamesBelow(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : filesystem::recursive_directory_iterator(folder)) {
    names.insert(entry.path().lexically_relative(folder));
  }
  return names;
}

unsigned ModeOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

// A trust folder with more in it than trust.
struct TrustFolder {
  TrustFolder() {
    filesystem::create_directories(path + "/patch.d");
    filesystem::create_directories(path + "/notes");
    filesystem::copy_file(keys.ca_path, path + "/patch.d/ca.pem");
    test::WriteFile(path + "/patch.d/.ca.pem.swp", "not a certificate");
    test::WriteFile(path + "/signer.key", "secret");
    test::WriteFile(path + "/notes/why", "because");
    test::WriteFile(path + "/policy.json", R"({"schema": 1, "model": "kiosk"})");
  }

  test::Scratch scratch;
  std::string path = scratch / "trust";
  test::Keys keys{scratch / "keys"};
};

TEST_CASE("init makes a store that opens") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  REQUIRE_OK(Store::Init(path, trust.path));
  CHECK(ModeOf(path) == 0755);
  CHECK(ModeOf(path + "/veneer-store.json") == 0644);
  CHECK(ModeOf(path + "/layers") == 0755);
  CHECK(ModeOf(path + "/catalog") == 0755);
  CHECK(ModeOf(path + "/trust/patch.d") == 0755);
  CHECK(ModeOf(path + "/trust/patch.d/ca.pem") == 0644);
  CHECK(test::ReadFile(path + "/veneer-store.json") ==
        Bytes(AsBytes("{\"schema\": 1}\n").begin(), AsBytes("{\"schema\": 1}\n").end()));
  CHECK(test::ReadFile(path + "/trust/patch.d/ca.pem") == test::ReadFile(trust.keys.ca_path));
  const auto store = Store::Open(path);
  REQUIRE_OK(store);
  REQUIRE_OK(store->OpenCatalogForReading());
  const auto loaded = store->LoadTrust();
  REQUIRE_OK(loaded);
  CHECK((*loaded)->policy().model == "kiosk");
}

TEST_CASE("only what is read as trust comes into the store") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  REQUIRE_OK(Store::Init(path, trust.path));
  CHECK(NamesBelow(path + "/trust") ==
        std::set<std::string>{"base.d", "crl.d", "feed.d", "patch.d", "patch.d/ca.pem", "policy.json"});
}

TEST_CASE("an empty folder becomes a store, and keeps its mode") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  filesystem::create_directories(path + "/lost+found");
  filesystem::permissions(path, filesystem::perms(0700));
  REQUIRE_OK(Store::Init(path, trust.path));
  REQUIRE_OK(Store::Open(path));
  CHECK(ModeOf(path) == 0700);
}

TEST_CASE("init refuses what it must not touch, and does not touch it") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  ErrorCode code = ErrorCode::kExists;
  std::string trusted = trust.path;
  SECTION("a store") {
    REQUIRE_OK(Store::Init(path, trust.path));
  }
  SECTION("a folder with something in it") {
    filesystem::create_directories(path + "/home");
  }
  SECTION("a file") {
    test::WriteFile(path, "x");
  }
  SECTION("no folder above") {
    code = ErrorCode::kNotFound;
    filesystem::create_symlink("nowhere/store", path);
  }
  SECTION("no trust") {
    code = ErrorCode::kNotFound;
    trusted = trust.scratch / "nothing";
  }
  SECTION("no trust, and an empty folder") {
    code = ErrorCode::kNotFound;
    trusted = trust.scratch / "nothing";
    filesystem::create_directory(path);
  }
  SECTION("damaged trust") {
    code = ErrorCode::kCorrupt;
    test::WriteFile(trust.path + "/patch.d/ca.pem", "x");
  }
  const auto before = NamesBelow(trust.scratch.path());
  const Status status = Store::Init(path, trusted);
  REQUIRE_FAILS(code, status);
  CHECK(status.error().message().find('\n') == std::string::npos);
  CHECK(NamesBelow(trust.scratch.path()) == before);
}

// A limit of this process, lowered for a while.
class Limit {
 public:
  Limit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
    REQUIRE(::getrlimit(resource_, &before_) == 0);
    const rlimit lowered{value, before_.rlim_max};
    REQUIRE(::setrlimit(resource_, &lowered) == 0);
  }
  ~Limit() { ::setrlimit(resource_, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

TEST_CASE("an init that finds no room leaves the folder as it was") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  const bool there = GENERATE(false, true);
  if (there) filesystem::create_directory(path);
  const auto before = NamesBelow(trust.scratch.path());
  std::signal(SIGXFSZ, SIG_IGN);  // or a file that may not grow kills
  const Status status = [&] {
    const Limit no_room(RLIMIT_FSIZE, 0);
    return Store::Init(path, trust.path);
  }();
  REQUIRE_FAILS(ErrorCode::kIo, status);
  CHECK(NamesBelow(trust.scratch.path()) == before);
}

// With one descriptor more each time, it fails one step later each time: in the trust, then in the catalog.
TEST_CASE("an init that fails at any step leaves the folder as it was") {
  const TrustFolder trust;
  const std::string path = trust.scratch / "store";
  const auto before = NamesBelow(trust.scratch.path());
  const auto lowest = static_cast<rlim_t>(UniqueFd(::dup(0)).get());
  std::string failures;
  for (rlim_t more = 3;; ++more) {
    REQUIRE(more < 100);
    const Status status = [&] {
      const Limit few(RLIMIT_NOFILE, lowest + more);
      return Store::Init(path, trust.path);
    }();
    if (status) break;
    failures += status.error().message() + "\n";
    INFO("with " << more << ": " << failures);
    REQUIRE_FAILS(ErrorCode::kIo, status);
    CHECK(NamesBelow(trust.scratch.path()) == before);
  }
  INFO(failures);
  CHECK(failures.find("/catalog") != std::string::npos);
  REQUIRE_OK(Store::Open(path));
}

}  // namespace
}  // namespace veneer::catalog::testing
