// Bytes and sizes as a person or a script reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veneer::tools {

// `text` on one line and harmless to a terminal: each control character (C0, DEL, C1) and each byte that is
// not UTF-8 becomes `\xNN`. Layer files bring names and words that nobody may have vouched for.
std::string Printable(std::string_view text);

// `bytes` as UTF-8, for JSON: each byte that is not becomes `\xNN`, all else stays.
std::string ToUtf8(std::string_view bytes);

// E.g. "0 B", "1023 B", "1.0 KiB", "37.9 MiB".
std::string SizeText(uint64_t bytes);

}  // namespace veneer::tools
