// What happens in a mount, as its log and the history tell it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace veneer::fuse {

enum class Severity { kError, kWarning, kInfo };

// A kind of what can happen. `word` and `message_id` (128 bits in hexadecimal, journald's MESSAGE_ID) are a
// contract: they never change, and are never used for anything else.
struct Kind {
  std::string_view word;
  std::string_view message_id;
  Severity severity = Severity::kInfo;
  bool recorded = true;  // in the catalog's events too
};

// All of them; docs/observability.md says when each comes and with which fields.
inline constexpr Kind kMounted{"mount", "7726980fa8804a1690c11dde80015272"};
inline constexpr Kind kUnmounted{"unmount", "ae49ee0510ba44918472aed5ef6d801c"};
inline constexpr Kind kSwitched{"switch", "dafe29806f7f4c2a9107709a16955011"};
inline constexpr Kind kTakenOver{"take-over", "1fbf2a9219cf40f290fce62797cdacec"};
inline constexpr Kind kResumed{"resume", "88e2140430b54efe90e51d8a4a7c1ee0", Severity::kWarning};
inline constexpr Kind kCorruption{"corruption", "1d6ab1851ce1452f9237b59259c5d81e", Severity::kError};
inline constexpr Kind kReadError{"read-error", "581c1fe257814259bf304409bc03b808", Severity::kError};
inline constexpr Kind kWorkerDied{"worker-died", "ed998dc875ce44e0b2ccc25f1741bb53", Severity::kWarning};
inline constexpr Kind kWorkerThrottled{"worker-throttled", "afb86bebeb454a3f948c81cf0742cee6",
                                       Severity::kError};
inline constexpr Kind kWorkerBack{"worker-back", "059c2bde215949fabba2ea0f9ce613f5"};
inline constexpr Kind kPendingTaken{"pending-taken", "801e4fb7dc07408a9828eddfe15f7055", Severity::kInfo,
                                    false};
inline constexpr Kind kPendingRefused{"pending-refused", "17cd70eff07e4d809925e382afc2430b",
                                      Severity::kWarning, false};
inline constexpr Kind kProblem{"problem", "f90727aca59b4e3a9d4018a70970f2f9", Severity::kError, false};

// Names of lower-case letters and "_", and values of any bytes.
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Happening {
  Kind kind;
  std::string text;  // for a person, on one line
  Fields fields;     // what of it a program wants to look for: "mount", "layer", "generation", ...
};

// Takes what happens, in its order. Must not wait: who calls it serves.
using Log = std::function<void(const Happening& happening)>;

}  // namespace veneer::fuse
