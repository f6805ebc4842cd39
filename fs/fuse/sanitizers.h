// What the worker of a build with sanitizers (VENEER_SANITIZE) does otherwise; all other builds get nothing
// of it.
#pragma once

#ifdef VENEER_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

namespace veneer::fuse {

#ifdef VENEER_SANITIZED

// Their shadow memory counts as data, and a report is written into a file: neither has a limit.
inline constexpr bool kSanitized = true;

// Before the sandbox, in which nothing can be opened: the file for reports that log_path asks for.
inline void OpenSanitizerReport() {
  static_cast<void>(__sanitizer_get_report_path());
}

#else

inline constexpr bool kSanitized = false;

inline void OpenSanitizerReport() {}

#endif

}  // namespace veneer::fuse
