#include "tools/created.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "fs/format/utc_time.h"
#include "fs/io/clock.h"

namespace veneer::tools {

Result<std::string> CreatedNow() {
  static constexpr int64_t kLast = 253402300799;  // the end of year 9999
  const char* const given = std::getenv("SOURCE_DATE_EPOCH");
  if (given == nullptr) return format::FormatUtcTime(io::SystemClock().Now());
  const std::string_view text(given);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kLast) {
    return Fail(ErrorCode::kUsage, "SOURCE_DATE_EPOCH: '{}' is not a number of seconds since 1970", text);
  }
  return format::FormatUtcTime(seconds);
}

}  // namespace veneer::tools
