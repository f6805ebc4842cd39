#include "fs/catalog/event_spool.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fs/catalog/store.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"
#include "tests/support/watchdog.h"

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
  const EventSpool::Waiting waiting = spool.Read();
  CHECK(waiting.passed_over.empty());
  return TextsOf(waiting.events);
}

TEST_CASE("events wait in the spool, in their order, until they are taken in") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  CHECK(Waiting(spool).empty());
  REQUIRE_OK(spool.Add(EventOf("one\ntwo \"three\"")));
  REQUIRE_OK(spool.Add(EventOf("\xff")));
  const std::vector<Event> waiting = spool.Read().events;
  REQUIRE(waiting.size() == 2);
  CHECK(waiting.at(0).number == 0);
  CHECK(waiting.at(0).text == "one\ntwo \"three\"");
  CHECK(waiting.at(0).kind == "worker-died");
  CHECK(waiting.at(0).time == 1700000000);
  CHECK(waiting.at(0).generation == 2);
  CHECK(waiting.at(0).by == "mount process 7");
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
  CHECK(Waiting(spool) ==
        Texts{"one", "two", "events of mounts are lost: 5 lines of their spool cannot be read"});
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
  CHECK(filesystem::file_size(store.folder() + "/events.spool") == EventSpool::kFullBytes);
  CHECK(added > 300);
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog).size() == added + 1);
  REQUIRE_OK(spool.Add(EventOf("again")));
  REQUIRE_FAILS(ErrorCode::kNotFound, EventSpool(store.folder() + "/none").Add(EventOf("nowhere")));
}

// Adds events until there is no room, and one more than that.
void FillUp(const EventSpool& spool) {
  const Event event = EventOf(std::string(5000, 'x'));
  size_t added = 0;
  while (added < 1000 && spool.Add(event)) ++added;
  CHECK(added > 0);
  REQUIRE_FAILS(ErrorCode::kNoSpace, spool.Add(event));
  REQUIRE_FAILS(ErrorCode::kNoSpace, spool.Add(EventOf("for which there would have been room")));
}

TEST_CASE("that a spool was full is told once, where it waits and in the history") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  FillUp(spool);
  const std::string lost = "events of mounts are lost: their spool is full, and had no room for later ones";
  CHECK(Waiting(spool).back() == lost);
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  const auto newest = catalog->Events(2);
  REQUIRE_OK(newest);
  CHECK(newest->at(0).kind == "events-lost");
  CHECK(newest->at(0).text == lost);
  CHECK(newest->at(1).kind == "worker-died");
  REQUIRE_OK(spool.Add(EventOf("again")));
  CHECK(Waiting(spool) == Texts{"again"});
  FillUp(spool);
  CHECK(Waiting(spool).back() == lost);
}

TEST_CASE("a spool in which there is just room was not full") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  REQUIRE_OK(spool.Add(EventOf("one")));
  const auto line = filesystem::file_size(store.folder() + "/events.spool");
  std::ofstream(store.folder() + "/events.spool", std::ios::app)
      << std::string(EventSpool::kMostBytes - 2 * line, '\n');
  REQUIRE_OK(spool.Add(EventOf("two")));
  CHECK(filesystem::file_size(store.folder() + "/events.spool") == EventSpool::kMostBytes);
  CHECK(Waiting(spool) == Texts{"one", "two"});
}

// Something at `path` that is no spool. Returns what a message says of it.
std::string PutNoSpool(const std::string& path, const std::string& kind, const std::string& victim) {
  if (kind == "fifo") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  if (kind == "folder") filesystem::create_directories(path + "/full");
  if (kind == "symlink") REQUIRE(::symlink(victim.c_str(), path.c_str()) == 0);
  if (kind == "dangling symlink") REQUIRE(::symlink((victim + ".none").c_str(), path.c_str()) == 0);
  if (kind == "large") std::ofstream(path) << std::string(600000, 'x');
  if (kind == "1 TiB") {
    std::ofstream(path).close();
    filesystem::resize_file(path, uint64_t{1} << 40);
  }
  if (kind == "large") return "600000 bytes";
  if (kind == "1 TiB") return "1099511627776 bytes";
  return kind.ends_with("symlink") ? "is a symbolic link" : "not a regular file";
}

TEST_CASE("what is no spool is never waited for or written through; it is told, and set aside") {
  const test::Watchdog watchdog;
  const NewCatalog store;
  const EventSpool spool(store.folder());
  const std::string place = store.folder() + GENERATE(as<std::string>{}, "/events.spool", "/events.taken");
  const std::string kind =
      GENERATE(as<std::string>{}, "fifo", "folder", "symlink", "dangling symlink", "large", "1 TiB");
  INFO(kind << " at " << place);
  const std::string victim = store.folder() + "/victim";
  std::ofstream(victim) << "as it was";
  const std::string cause = PutNoSpool(place, kind, victim);
  const bool large = kind == "large" || kind == "1 TiB";
  if (place.ends_with("spool")) {
    REQUIRE_FAILS(large ? ErrorCode::kNoSpace : ErrorCode::kDamaged, spool.Add(EventOf("lost")));
  }
  const EventSpool::Waiting waiting = spool.Read();
  CHECK(waiting.events.empty());
  REQUIRE(waiting.passed_over.size() == 1);
  CHECK(CodeWord(waiting.passed_over.front().code()) == CodeWord(ErrorCode::kDamaged));
  CHECK(waiting.passed_over.front().message().find(place + ": " + cause) == 0);

  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  const auto told = catalog->Events(10);
  REQUIRE_OK(told);
  REQUIRE(told->size() == 1);
  CHECK(told->front().kind == "events-lost");
  CHECK(told->front().text.find(cause) != std::string::npos);
  const std::string aside = store.folder() + "/events.bad";
  CHECK(told->front().text.ends_with("set aside as " + aside));
  CHECK(filesystem::exists(filesystem::symlink_status(aside)));
  CHECK_FALSE(filesystem::exists(filesystem::symlink_status(place)));
  CHECK(filesystem::file_size(victim) == 9);
  CHECK_FALSE(filesystem::exists(victim + ".none"));

  REQUIRE_OK(spool.Add(EventOf("again")));
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog).back() == "again");
  CHECK(spool.Read().passed_over.empty());
}

TEST_CASE("what is set aside takes the place of nothing, and is told once for each") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  const auto catalog = store.Write();
  for (const char* name : {"/events.bad", "/events.bad-2", "/events.bad-3"}) {
    PutNoSpool(store.folder() + "/events.spool", "fifo", "");
    REQUIRE_OK(spool.TakeIn(*catalog));
    CHECK(filesystem::is_fifo(store.folder() + name));
    CHECK(Recorded(*catalog).back().ends_with(name));
  }
  CHECK(Recorded(*catalog).size() == 3);
  // A crash between the commit and the move.
  filesystem::rename(store.folder() + "/events.bad-3", store.folder() + "/events.taken");
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog).size() == 3);
  CHECK(filesystem::is_fifo(store.folder() + "/events.bad-3"));
}

TEST_CASE("lines that are no events are counted, once") {
  const NewCatalog store;
  const EventSpool spool(store.folder());
  REQUIRE_OK(spool.Add(EventOf("one")));
  std::ofstream(store.folder() + "/events.spool", std::ios::app) << "x\n\ny";
  filesystem::copy(store.folder() + "/events.spool", store.folder() + "/kept");
  const auto written = filesystem::last_write_time(store.folder() + "/events.spool");
  const auto catalog = store.Write();
  REQUIRE_OK(spool.TakeIn(*catalog));
  const Texts texts = {"one", "events of mounts are lost: 2 lines of their spool cannot be read"};
  CHECK(Recorded(*catalog) == texts);
  filesystem::rename(store.folder() + "/kept", store.folder() + "/events.taken");  // a crash after the commit
  filesystem::last_write_time(store.folder() + "/events.taken", written);
  REQUIRE_OK(spool.TakeIn(*catalog));
  CHECK(Recorded(*catalog) == texts);
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
  CHECK(TextsOf(store.Events(10)->events) == Texts{"one"});
  REQUIRE_OK(store.OpenCatalogForWriting(std::chrono::seconds(10)));
  REQUIRE_OK(EventSpool(path).Add(EventOf("two")));
  const auto events = store.Events(10);
  REQUIRE_OK(events);
  CHECK(TextsOf(events->events) == Texts{"two", "one"});
  CHECK(events->events.at(0).number == 0);
  CHECK(events->events.at(1).number == 1);
  CHECK(TextsOf(store.Events(1)->events) == Texts{"two"});
  filesystem::create_directory(path + "/events.taken");
  CHECK(TextsOf(store.Events(10)->events) == Texts{"two", "one"});
  CHECK(store.Events(10)->passed_over.size() == 1);
  REQUIRE_OK(store.OpenCatalogForWriting(std::chrono::seconds(10)));
  CHECK(store.Events(10)->events.size() == 3);
  CHECK(store.Events(10)->passed_over.empty());
}

}  // namespace
}  // namespace veneer::catalog::testing
