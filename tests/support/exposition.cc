#include "tests/support/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace veneer::test {
namespace {

using Families = std::map<std::string, MetricFamily>;

const std::regex kHelp(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
const std::regex kType(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|summary|histogram|untyped))");
const std::regex kSample(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+))");
const std::regex kLabel(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$))re");

void Require(bool right, const std::string& line) {
  if (!right) throw std::runtime_error("not a line of an exposition: " + line);
}

std::string Unescaped(const std::string& value) {
  std::string plain;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool escaped = value[i] == '\\';
    if (escaped) ++i;
    plain += escaped && value[i] == 'n' ? '\n' : value[i];
  }
  return plain;
}

// `text`: what is between the braces.
std::map<std::string, std::string> LabelsOf(const std::string& text, const std::string& line) {
  std::map<std::string, std::string> labels;
  auto at = text.begin();
  for (std::smatch label; at != text.end(); at = label.suffix().first) {
    Require(std::regex_search(at, text.end(), label, kLabel, std::regex_constants::match_continuous), line);
    Require(labels.emplace(label[1], Unescaped(label[2])).second, line);
    Require(label[3].length() == 0 || label.suffix().length() > 0, line);  // no comma at the end
  }
  return labels;
}

double NumberOf(const std::string& text, const std::string& line) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  Require(error == std::errc() && end == text.data() + text.size(), line);
  return value;
}

bool IsNameFor(const std::string& family, const std::string& type, const std::string& sample) {
  if (type == "summary") return sample == family + "_sum" || sample == family + "_count";
  return sample == family && (type != "counter" || family.ends_with("_total"));
}

void Take(const std::smatch& match, const std::string& name, MetricFamily& family) {
  const std::string line = match[0];
  const std::string braces = match[2];
  const std::string inside = braces.empty() ? "" : braces.substr(1, braces.size() - 2);
  MetricSample sample{match[1], LabelsOf(inside, line), NumberOf(match[3], line)};
  Require(IsNameFor(name, family.type, sample.name), line);
  Require(family.type == "gauge" || sample.value >= 0, line);
  const auto same = [&](const MetricSample& other) {
    return other.name == sample.name && other.labels == sample.labels;
  };
  Require(std::none_of(family.samples.begin(), family.samples.end(), same), line);
  family.samples.push_back(std::move(sample));
}

}  // namespace

Families ParseExposition(const std::string& text) {
  Require(text.empty() || text.back() == '\n', "the last one, which does not end");
  Families families;
  std::string name;  // of the family that is being read
  std::istringstream lines(text);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, match, kHelp)) {
      Require(name.empty() || !families.at(name).type.empty(), line);
      name = match[1];
      Require(families.emplace(name, MetricFamily{"", match[2], {}}).second, line);
    } else if (std::regex_match(line, match, kType)) {
      Require(match[1] == name && families.at(name).type.empty(), line);
      families.at(name).type = match[2];
    } else {
      Require(std::regex_match(line, match, kSample) && !name.empty() && !families.at(name).type.empty(),
              line);
      Take(match, name, families.at(name));
    }
  }
  return families;
}

double ValueOf(const Families& families, const std::string& name,
               const std::map<std::string, std::string>& labels) {
  std::set<double> values;
  size_t found = 0;
  for (const auto& [family, content] : families) {
    for (const MetricSample& sample : content.samples) {
      const bool all = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
        const auto own = sample.labels.find(label.first);
        return own != sample.labels.end() && own->second == label.second;
      });
      if (sample.name != name || !all) continue;
      values.insert(sample.value);
      ++found;
    }
  }
  if (found != 1) throw std::runtime_error(fmt::format("{} samples of {} with these labels", found, name));
  return *values.begin();
}

}  // namespace veneer::test
