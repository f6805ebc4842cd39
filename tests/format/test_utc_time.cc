#include "fs/format/utc_time.h"
#include "tests/support/catch.h"

namespace veneer::format {

TEST_CASE("a time as RFC 3339 in UTC", "[utc_time]") {
  CHECK(FormatUtcTime(0) == "1970-01-01T00:00:00Z");
  CHECK(FormatUtcTime(-1) == "1969-12-31T23:59:59Z");
  CHECK(FormatUtcTime(951782400) == "2000-02-29T00:00:00Z");
  CHECK(FormatUtcTime(1769860800) == "2026-01-31T12:00:00Z");
  CHECK(FormatUtcTime(4294967296) == "2106-02-07T06:28:16Z");
  CHECK(FormatUtcTime(INT64_MAX) == "9999-12-31T23:59:59Z");
  CHECK(FormatUtcTime(INT64_MIN) == "0000-01-01T00:00:00Z");
}

TEST_CASE("what is a time in that form", "[utc_time]") {
  for (const char* time : {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2000-02-29T00:00:00Z"}) {
    INFO(time);
    CHECK(IsUtcTime(time));
  }
  for (const char* time :
       {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31t12:00:00z", "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:00.5Z", "+026-01-31T12:00:00Z"}) {
    INFO(time);
    CHECK_FALSE(IsUtcTime(time));
  }
}

}  // namespace veneer::format
