// A strict reader of the text that Prometheus takes, made from its documentation: version 0.0.4 as `promtool
// check metrics` wants it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace veneer::test {

struct MetricSample {
  std::string name;  // with _sum or _count in a summary
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct MetricFamily {
  std::string type;
  std::string help;
  std::vector<MetricSample> samples;
};

// The families by name. Throws std::runtime_error with the line that is wrong: what is no HELP, TYPE or
// sample; a family without either of the two, or twice; a sample outside its family, of a wrong name for its
// type, or there already; a counter whose name does not end in _total or that is negative; a file with no end
// of line at its end.
std::map<std::string, MetricFamily> ParseExposition(const std::string& text);

// The value of the one sample that has all of `labels`. Throws std::runtime_error where there is not one.
double ValueOf(const std::map<std::string, MetricFamily>& families, const std::string& name,
               const std::map<std::string, std::string>& labels = {});

}  // namespace veneer::test
