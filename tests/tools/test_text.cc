#include "tools/text.h"

#include "tests/support/catch.h"
#include "tools/exit_status.h"
#include "tools/progress.h"

namespace veneer::tools {
namespace {

TEST_CASE("text for a terminal is one harmless line") {
  CHECK(Printable("plain ä € 𝄞") == "plain ä € 𝄞");
  CHECK(Printable("a\nb\r\t\x1b[0m\x7f") == "a\\x0ab\\x0d\\x09\\x1b[0m\\x7f");
  CHECK(Printable("\xc2\x9b") == "\\xc2\\x9b");  // CSI of the C1 set
  CHECK(Printable("\xc2\xa0") == "\xc2\xa0");
  CHECK(Printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("bytes that are not UTF-8 are shown as such") {
  CHECK(Printable("\xff") == "\\xff");
  CHECK(Printable("\xc3") == "\\xc3");
  CHECK(Printable("\xc3(") == "\\xc3(");
  CHECK(Printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(Printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(Printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(Printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  CHECK(Printable("\xf0\x9d\x84") == "\\xf0\\x9d\\x84");           // cut short
  CHECK(ToUtf8("a\n\xff") == "a\n\\xff");
}

TEST_CASE("sizes") {
  CHECK(SizeText(0) == "0 B");
  CHECK(SizeText(1023) == "1023 B");
  CHECK(SizeText(1024) == "1.0 KiB");
  CHECK(SizeText(39741030) == "37.9 MiB");
  CHECK(SizeText(UINT64_MAX) == "16.0 EiB");
}

TEST_CASE("each kind of error has its exit status") {
  for (const auto code : {ErrorCode::kFailed, ErrorCode::kNotFound, ErrorCode::kExists, ErrorCode::kIo,
                          ErrorCode::kNoSpace, ErrorCode::kUnsupported}) {
    CHECK(ExitStatusOf(code) == 1);
  }
  CHECK(ExitStatusOf(ErrorCode::kUsage) == 2);
  CHECK(ExitStatusOf(ErrorCode::kDamaged) == 3);
  for (const auto code :
       {ErrorCode::kUntrusted, ErrorCode::kExpired, ErrorCode::kRevoked, ErrorCode::kCorrupt,
        ErrorCode::kNotApplicable, ErrorCode::kDowngrade, ErrorCode::kWithdrawn, ErrorCode::kConflict,
        ErrorCode::kMissingRequirement, ErrorCode::kUnsupportedSchema}) {
    CHECK(ExitStatusOf(code) == 4);
  }
  CHECK(ExitStatusOf(ErrorCode::kBusy) == 5);
  CHECK(ExitStatusOf(ErrorCode::kInterrupted) == 130);
}

TEST_CASE("the line of progress") {
  const auto line = [](uint64_t done, uint64_t total, double seconds) {
    return ProgressLine({.name = "hashing", .done = done, .total = total, .seconds = seconds}, 200);
  };
  const std::string stage = "hashing        ";
  CHECK(line(0, 0, 9) + " " == stage);
  CHECK(line(1 << 20, 0, 0) == stage + "1.0 MiB");
  CHECK(line(1 << 20, 0, 2) == stage + "1.0 MiB  512.0 KiB/s");
  CHECK(line(0, 100, 5) == stage + "[" + std::string(30, ' ') + "]   0 %");
  CHECK(line(1 << 20, 2 << 20, 2) ==
        stage + "[===============               ]  50 %  512.0 KiB/s  0:02 left");
  CHECK(line(1000, 3601000, 1) == stage + "[" + std::string(30, ' ') + "]   0 %  1000 B/s  1:00:00 left");
  CHECK(line(100, 100, 1) == stage + "[" + std::string(30, '=') + "] 100 %  100 B/s");
  CHECK(line(200, 100, 1) == stage + "[" + std::string(30, '=') + "] 100 %  200 B/s");  // more than was said
  CHECK(line(1, UINT64_MAX, 1e6).size() < 120);
}

TEST_CASE("the line of progress fits the terminal") {
  CHECK(ProgressLine({.name = "hashing", .done = 1, .total = 2, .seconds = 1}, 20).size() == 20);
  CHECK(ProgressLine({.name = "hashing", .done = 1, .total = 2, .seconds = 1}, 0).empty());
}

}  // namespace
}  // namespace veneer::tools
