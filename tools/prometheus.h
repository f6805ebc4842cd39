// Metrics as text that Prometheus reads: the exposition format, version 0.0.4.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/base/error.h"

namespace veneer::tools {

// Names and values, in this order; a value that is empty is left out.
using Labels = std::vector<std::pair<std::string_view, std::string>>;

// Builds the text, one family after the other. The caller sees to it that a name comes once and that no two
// samples of a family have the same labels.
class Exposition {
 public:
  // Begins the family `name`; `type` is "counter", "gauge" or "summary". Samples follow.
  void Family(std::string_view name, std::string_view type, std::string_view help);

  // A sample of the family begun last; `suffix` is "_sum" or "_count" in a summary. Label values may hold any
  // bytes; those that are not UTF-8 are escaped as ToUtf8 does.
  void Sample(const Labels& labels, double value, std::string_view suffix = "");

  const std::string& text() const { return text_; }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace veneer::tools
