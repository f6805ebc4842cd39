#include <CLI/CLI.hpp>
#include <limits>
#include <memory>

#include "fs/catalog/store.h"
#include "fs/format/utc_time.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

Json JsonOf(const catalog::Event& event) {
  return {{"number", event.number},     {"time", format::FormatUtcTime(event.time)},
          {"kind", ToUtf8(event.kind)}, {"generation", event.generation},
          {"by", ToUtf8(event.by)},     {"text", ToUtf8(event.text)}};
}

Status History(uint64_t most, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto history, store.Events(most));
  const auto& [events, passed_over] = history;
  Json list = Json::array();
  for (const catalog::Event& event : events) {
    output.Line("{}  {:<16}  generation {:<4}  {}  (by {})", format::FormatUtcTime(event.time), event.kind,
                event.generation, event.text, event.by);
    list.push_back(JsonOf(event));
  }
  Json unread = Json::array();
  for (const Error& error : passed_over) {
    fmt::print(stderr, "veneer: history: passed over: {}\n", Printable(error.message()));
    unread.push_back({{"code", CodeWord(error.code())}, {"message", ToUtf8(error.message())}});
  }
  output.json() = {{"events", std::move(list)}, {"passed_over", std::move(unread)}};
  if (events.empty()) output.Note("{}: nothing has happened yet", globals.store);
  return {};
}

}  // namespace

Action AddHistory(CLI::App& verb) {
  verb.description("Show what happened to the store and in its mounts, newest first");
  auto most = std::make_shared<uint64_t>(50);
  verb.add_option("--limit", *most, "Events to show at most; 0: all")
      ->capture_default_str()
      ->type_name("N")
      ->check(WholeNumber(0));
  return [most](const Globals& globals, Output& output) {
    return History(*most == 0 ? std::numeric_limits<uint64_t>::max() : *most, globals, output);
  };
}

}  // namespace veneer::tools
