// Times as text: RFC 3339, in UTC, whole seconds, e.g. "2026-01-31T12:00:00Z".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veneer::format {

// Whether `text` is such a time, of a day that the calendar has.
bool IsUtcTime(std::string_view text);

// `unix_seconds` as such a time. Meant for the years 0 to 9999; what lies outside is shown as their nearest
// end.
std::string FormatUtcTime(int64_t unix_seconds);

}  // namespace veneer::format
