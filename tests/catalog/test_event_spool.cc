#include "fs/catalog/event_spool.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fs/catalog/store.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

namespace veneer::catalog::testing {
namespace {

namespace filesystem = std::filesystem;

Event EventOf(const std::string& text) {
  return {0, 1700000000, "worker-died", 2, "mount process 7", text};
}

std::vector<std::string> TextsOf(const std::vector<Event>& events) {
  std::vector<std::string> texts;
  for (const Event& event : events) texts.push_back(event.text);
  return texts;
}

using Texts = std::vector<std::string>;

Texts Recorded(const Catalog& catalog) {
  const auto events = catalog.Events(100000);
  REQUIRE_OK(events);
  Texts texts = TextsOf(*events);
  std::reverse(texts.begin(), texts.end());
  return texts;
}

Texts Waiting(const EventSpool& spool) {
  const auto events = spool.Read();
  REQUIRE_OK(events);
  return TextsOf(*events);
}

TEST_CASE("events wait in the spool, in their order, until they are taken in") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  CHECK(Waiting(spool).empty());
  REQUIRE_OK(spool.Add(EventOf("one\ntwo \"three\"")));
  REQUIRE_OK(spool.Add(EventOf("\xff")));
  const auto waiting = spool.Read();
  REQUIRE_OK(waiting);
  REQUIRE(waiting->size() == 2);
  CHECK(waiting->at(0).number == 0);
  CHECK(waiting->at(0).text == "one\ntwo \"three\"");
  CHECK(waiting->at(0).kind == "worker-died");
  CHECK(waiting->at(0).time == 1700000000);
  CHECK(waiting->at(0).generation == 2);
  CHECK(waiting->at(0).by == "mount process 7");
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog) == Texts{"one\ntwo \"three\"", "\xef\xbf\xbd"});
  CHECK(Waiting(spool).empty());
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog).size() == 2);
}

TEST_CASE("a crash after the commit leaves nothing twice") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  const std::string taken = store.folder() + "/events.taken";
  REQUIRE_OK(spool.Add(EventOf("one")));
  filesystem::copy_file(store.folder() + "/events.spool", taken + ".kept");
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  filesystem::rename(taken + ".kept", taken);  // as if it had not been removed any more
  REQUIRE_OK(spool.Add(EventOf("two")));
  CHECK(Waiting(spool) == Texts{"one", "two"});
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog) == Texts{"one"});
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog) == Texts{"one", "two"});
}

TEST_CASE("a crash before the commit loses nothing") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  REQUIRE_OK(spool.Add(EventOf("one")));
  filesystem::rename(store.folder() + "/events.spool", store.folder() + "/events.taken");
  REQUIRE_OK(spool.Add(EventOf("two")));
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog) == Texts{"one", "two"});
}

TEST_CASE("what is no event is passed over, and what stands beside it is not") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  REQUIRE_OK(spool.Add(EventOf("one")));
  std::ofstream(store.folder() + "/events.spool", std::ios::app) << "{\"time\":17";  // no room for the rest
  REQUIRE_OK(spool.Add(EventOf("two")));
  std::ofstream(store.folder() + "/events.spool", std::ios::app) << "[]\n\n{}\nnull\n{\"ti";
  CHECK(Waiting(spool) == Texts{"one", "two"});
}

TEST_CASE("the spool is bounded, and takes events again once it was taken in") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  size_t added = 0;
  Status last;
  while (last && added < 100000) {
    last = spool.Add(EventOf(std::string(500, 'x') + std::to_string(added)));
    if (last) ++added;
  }
  REQUIRE_FAILS(ErrorCode::kNoSpace, last);
  CHECK(filesystem::file_size(store.folder() + "/events.spool") <= EventSpool::kMostBytes);
  CHECK(added > 300);
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog).size() == added);
  REQUIRE_OK(spool.Add(EventOf("again")));
  REQUIRE_FAILS(ErrorCode::kNotFound, EventSpool(store.folder() + "/none").Add(EventOf("nowhere")));
}

TEST_CASE("many add while one takes in: each event comes once") {
  const NewCatalog store;
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::atomic<int> running{kThreads};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const EventSpool spool(store.folder());
      for (int i = 0; i < kEach; ++i) {
        if (!spool.Add(EventOf(fmt::format("{}-{}", t, i)))) ++failed;
      }
      --running;
    });
  }
  const auto catalog = store.Write();
  const EventSpool spool(store.folder());
  bool more = true;
  while (more) {
    more = running > 0;
    static_cast<void>(spool.TakeIn(*catalog));
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE_OK(spool.TakeIn(*catalog));
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(failed == 0);
  Texts texts = Recorded(*catalog);
  CHECK(texts.size() == kThreads * kEach);
  std::sort(texts.begin(), texts.end());
  CHECK(std::adjacent_find(texts.begin(), texts.end()) == texts.end());
}

TEST_CASE("whoever opens the store's catalog for writing takes events in, and history shows both kinds") {
  const test::Scratch scratch;
  const std::string path = scratch / "store";
  filesystem::create_directory(scratch / "trust");
  REQUIRE_OK(Store::Init(path, scratch / "trust"));
  const Store store = *Store::Open(path);
  REQUIRE_OK(EventSpool(path).Add(EventOf("one")));
  CHECK(TextsOf(*store.Events(10)) == Texts{"one"});
  REQUIRE_OK(store.OpenCatalogForWriting(std::chrono::seconds(10)));
  REQUIRE_OK(EventSpool(path).Add(EventOf("two")));
  const auto events = store.Events(10);
  REQUIRE_OK(events);
  CHECK(TextsOf(*events) == Texts{"two", "one"});
  CHECK(events->at(0).number == 0);
  CHECK(events->at(1).number == 1);
  CHECK(TextsOf(*store.Events(1)) == Texts{"two"});
}

}  // namespace
}  // namespace veneer::catalog::testing
