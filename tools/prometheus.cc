#include "tools/prometheus.h"

#include "tools/text.h"

namespace veneer::tools {
namespace {

std::string Quoted(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : ToUtf8(value)) {
    if (c == '\n') {
      quoted += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

void Exposition::Family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void Exposition::Sample(const Labels& labels, double value, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [name, label] : labels) {
    if (label.empty()) continue;
    text_ += fmt::format("{}{}={}", separator, name, Quoted(label));
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

}  // namespace veneer::tools
