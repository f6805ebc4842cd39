#include "fs/fuse/activation.h"

#include <filesystem>
#include <mutex>

#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/control_thread.h"
#include "tests/support/failing_log.h"
#include "tests/support/scratch.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// What a mount's server is on its control socket, and nothing more.
class FakeMount {
 public:
  // `on_prepare` is called when it is asked to prepare.
  FakeMount(const std::string& identity, const std::string& name, std::function<Status()> on_prepare = {})
      : name_(name), on_prepare_(std::move(on_prepare)) {
    REQUIRE_OK(io::MakeFolders(ControlFolder(identity)));
    thread_.emplace(ControlFolder(identity) + "/" + name + ".sock",
                    [this](const json& request) { return Answer(request); });
  }

  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  Result<json> Answer(const json& request) {
    const std::string what = request.at("request");
    const std::lock_guard lock(mutex_);
    if (what == "status") return json{{"dir", "/" + name_}, {"generation", generation_}, {"pinned", false}};
    asked_.push_back(what);
    if (what == "prepare") {
      if (on_prepare_) VENEER_TRY(on_prepare_());
      next_ = request.at("generation");
    }
    if (what == "commit") generation_ = next_;
    return json::object();
  }

  std::string name_;
  std::function<Status()> on_prepare_;
  mutable std::mutex mutex_;
  uint64_t generation_ = 0;                    // guarded by mutex_
  uint64_t next_ = 0;                          // guarded by mutex_
  std::vector<std::string> asked_;             // guarded by mutex_; status aside
  std::optional<test::ControlThread> thread_;  // last: uses the others
};

struct OpenedStore {
  test::Scratch scratch;
  test::FailingLog log;
  std::optional<catalog::Store> store;
  std::unique_ptr<catalog::Catalog> catalog;

  OpenedStore() {
    std::filesystem::create_directories(scratch / "trust");
    REQUIRE_OK(catalog::Store::Init(scratch / "store", scratch / "trust"));
    auto opened = catalog::Store::Open(scratch / "store", {}, {.env = log.env()});
    REQUIRE_OK(opened);
    store.emplace(std::move(*opened));
    auto writing = store->OpenCatalogForWriting(std::chrono::seconds(1));
    REQUIRE_OK(writing);
    catalog = std::move(*writing);
  }
  ~OpenedStore() { std::filesystem::remove_all(ControlFolder(store->identity())); }
  OpenedStore(const OpenedStore&) = delete;
  OpenedStore& operator=(const OpenedStore&) = delete;

  Result<SwitchReport> Switch() {
    return SwitchGeneration(*store, *catalog, {std::string(64, 'a')}, "activate",
                            {0, 1700000000, "activate", 0, "test", "one layer"});
  }
};

const std::vector<std::string> kTaken = {"prepare", "commit"};

TEST_CASE("every mount prepares, and then all commit") {
  OpenedStore store;
  const FakeMount one(store.store->identity(), "one");
  const FakeMount two(store.store->identity(), "two");
  const auto report = store.Switch();
  REQUIRE_OK(report);
  CHECK(report->mounts.size() == 2);
  CHECK(one.asked() == kTaken);
  CHECK(two.asked() == kTaken);
}

TEST_CASE("a mount that begins while the others prepare is taken along") {
  OpenedStore store;
  std::optional<FakeMount> late;
  const FakeMount early(store.store->identity(), "early", [&]() -> Status {
    late.emplace(store.store->identity(), "late");
    return {};
  });
  const auto report = store.Switch();
  REQUIRE_OK(report);
  CHECK(report->mounts.size() == 2);
  CHECK(early.asked() == kTaken);
  REQUIRE(late);
  CHECK(late->asked() == kTaken);
}

TEST_CASE("where one mount cannot prepare, those that did take it back and nothing is recorded") {
  OpenedStore store;
  const auto refuse = []() -> Status { return Fail(ErrorCode::kDamaged, "no"); };
  const FakeMount one(store.store->identity(), "one");
  const FakeMount bad(store.store->identity(), "bad", refuse);
  REQUIRE_FAILS(ErrorCode::kDamaged, store.Switch());
  const auto current = store.catalog->CurrentGeneration();
  REQUIRE_OK(current);
  CHECK_FALSE(current->has_value());
  CHECK(bad.asked() == std::vector<std::string>{"prepare"});
  const auto asked = one.asked();  // in which order the two are met is not said
  CHECK((asked.empty() || asked == std::vector<std::string>{"prepare", "abort"}));
}

TEST_CASE("where the record may be on the disk or not, no mount is told to take anything back") {
  OpenedStore store;
  const FakeMount mount(store.store->identity(), "one");
  store.log.Fail();
  const auto report = store.Switch();
  REQUIRE_FAILS(ErrorCode::kIo, report);
  CHECK(report.error().message().ends_with("generation 1 may be current all the same; run: veneer status"));
  CHECK(mount.asked() == std::vector<std::string>{"prepare"});
}

TEST_CASE("where the record was refused before it was written, nothing else is said") {
  OpenedStore store;
  const FakeMount mount(store.store->identity(), "one");
  const auto report = SwitchGeneration(*store.store, *store.catalog, {"no id"}, "activate",
                                       {0, 1700000000, "activate", 0, "test", "one layer"});
  REQUIRE_FAILS(ErrorCode::kUsage, report);
  CHECK(report.error().message().find("may be current") == std::string::npos);
}

}  // namespace
}  // namespace veneer::fuse
