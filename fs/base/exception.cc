#include "fs/base/exception.h"

#include <new>
#include <system_error>

namespace veneer {

Error ErrorOf(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) return OutOfMemory();
  // std::thread has no word of its own for it.
  const auto* system = dynamic_cast<const std::system_error*>(&exception);
  if (system != nullptr && system->code() == std::errc::resource_unavailable_try_again)
    return Error(ErrorCode::kNoMemory, "out of memory, or at the limit of threads");
  return Error(ErrorCode::kFailed, exception.what());
}

}  // namespace veneer
