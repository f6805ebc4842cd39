#include "tests/mount/contest.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/catalog/store.h"

namespace veneer::test {

using nlohmann::json;

Contestant::Contestant(const std::string& store, const std::vector<std::string>& words)
    : store_(store), words_(words) {
  std::vector<std::string> argv = VeneerCommand({"--store", store, "--json"});
  argv.insert(argv.end(), words.begin(), words.end());
  command_ = std::make_unique<Command>(argv, error_.write());
}

void Contestant::RequireWaits() {
  CHECK(error_.ReadLine() == "veneer: " + store_ + ": another change is under way, waiting for it");
}

void Contestant::RequireDone() {
  const CommandResult result = command_->Wait();
  INFO(fmt::format("{}: {}", fmt::join(words_, " "), result.out));
  CHECK(error_.ReadLine() == "");
  REQUIRE(result.status == 0);
  answer_ = json::parse(result.out);
}

Record::Record(const std::string& path) {
  const auto store = catalog::Store::Open(path);
  REQUIRE_OK(store);
  const auto catalog = store->OpenCatalogForReading();
  REQUIRE_OK(catalog);
  auto all = (*catalog)->Generations();
  REQUIRE_OK(all);
  generations = *std::move(all);
  const auto history = (*catalog)->Events(1000);
  REQUIRE_OK(history);
  for (const catalog::Event& event : *history) {
    if (!event.by.starts_with("mount process")) events.insert(events.begin(), event);
  }
}

std::vector<std::string> Record::Lines() const {
  std::vector<std::string> lines;
  for (const auto& generation : generations)
    lines.push_back(fmt::format("generation {}: {}, by {}", generation.number,
                                fmt::join(generation.layers, " "), generation.reason));
  for (const auto& event : events)
    lines.push_back(
        fmt::format("{}, generation {}: {}, by {}", event.kind, event.generation, event.text, event.by));
  return lines;
}

namespace {

// The first event that tells of a layer of `list`, an answer's, that came or went: with its id at the end.
void FindFirst(const json& answer, const char* list, const Record& record, size_t begin,
               std::optional<Place>& first) {
  for (const json& layer : answer.value(list, json::array())) {
    if (layer.value("already", false)) continue;
    const std::string id = layer.at("id");
    for (size_t i = begin; i < record.events.size(); ++i) {
      const catalog::Event& event = record.events[i];
      if (event.text.ends_with(id))
        first = std::min(first.value_or(Place{event.number, 0}), {event.number, 0});
    }
  }
}

}  // namespace

std::optional<Place> PlaceOf(const json& answer, const Record& record, size_t begin) {
  std::optional<Place> place;
  FindFirst(answer, "installed", record, begin, place);
  FindFirst(answer, "removed", record, begin, place);
  if (place || !answer.contains("generation")) return place;
  const bool switched = !answer.at("mounts").empty();
  place = {0, 1};
  for (size_t i = begin; i < record.events.size(); ++i) {
    const catalog::Event& event = record.events[i];
    const bool made = event.kind == "activate" || event.kind == "revert";
    if (made && event.generation == answer.at("generation")) place = {event.number, switched ? 0 : 1};
  }
  return place;
}

void Replay(const std::string& path, const std::multimap<Place, const Contestant*>& order) {
  for (const auto& [place, one] : order) {
    std::vector<std::string> words = {"--store", path};
    words.insert(words.end(), one->words().begin(), one->words().end());
    INFO(fmt::format("event {}: {}", place.first, fmt::join(one->words(), " ")));
    const json answer = VeneerJson(words);
    for (const char* key : {"generation", "effective_root", "left_out", "installed", "removed"}) {
      INFO(key << ": " << one->answer() << ", alone: " << answer);
      CHECK(answer.value(key, json()) == one->answer().value(key, json()));
    }
  }
}

}  // namespace veneer::test
