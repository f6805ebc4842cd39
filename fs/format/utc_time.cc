#include "fs/format/utc_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace veneer::format {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using std::chrono::year_month_day;

// The number that the `digits` characters of `text` at `at` spell.
unsigned Number(std::string_view text, size_t at, size_t digits) {
  unsigned value = 0;
  for (char c : text.substr(at, digits)) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

bool IsUtcTime(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != kForm[i]) return false;
  }
  const year_month_day date(year(static_cast<int>(Number(text, 0, 4))), month(Number(text, 5, 2)),
                            day(Number(text, 8, 2)));
  return date.ok() && Number(text, 11, 2) < 24 && Number(text, 14, 2) < 60 && Number(text, 17, 2) < 60;
}

std::string FormatUtcTime(int64_t unix_seconds) {
  constexpr sys_seconds kFirst = sys_days(year(0) / 1 / 1);
  constexpr sys_seconds kLast = sys_days(year(10000) / 1 / 1) - std::chrono::seconds(1);
  const auto time = std::clamp(sys_seconds(std::chrono::seconds(unix_seconds)), kFirst, kLast);
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace veneer::format
