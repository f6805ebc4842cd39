#include "tools/no_memory.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "fs/crypto/openssl_memory.h"
#include "tools/exit_status.h"

namespace veneer::tools {
namespace {

// Below what malloc maps apart, so that it goes back to the heap that all take from.
constexpr size_t kReserve = 96 << 10;

std::atomic<void*> reserve{nullptr};
std::atomic_flag told;    // an error was said: none is said again
std::atomic_flag ending;  // a thread is about to end the process
char line[64] = "";

// Called by operator new when there is no more. The allocation fails all the same: it may be of any size.
void OnNoMemory() {
  std::set_new_handler(nullptr);
  std::free(reserve.exchange(nullptr));  // NOLINT: malloc's
  throw std::bad_alloc();
}

[[noreturn]] void OnTerminate() {
  if (!std::current_exception()) std::abort();  // to throw it again would lead back here
  try {
    throw;
  } catch (const std::exception& exception) {
    if (ErrorOf(exception).code() != ErrorCode::kNoMemory) std::abort();
    // Of several threads one speaks, and the others wait for it to end them all.
    if (ending.test_and_set()) {
      for (;;) ::pause();
    }
    if (!told.test_and_set()) static_cast<void>(!::write(STDERR_FILENO, line, std::strlen(line)));
    ::_exit(kFailure);
  } catch (...) {
  }
  std::abort();
}

}  // namespace

void PrepareForNoMemory(const char* program) {
  std::snprintf(line, sizeof line, "%s: out of memory\n", program);
  crypto::WatchOpenSslMemory();
  void* const kept = std::malloc(kReserve);  // NOLINT: for free(3), which a handler may call
  if (kept != nullptr) std::memset(kept, 0, kReserve);
  reserve = kept;
  std::set_new_handler(OnNoMemory);
  std::set_terminate(OnTerminate);
}

void ErrorIsTold() {
  told.test_and_set();
}

Error Suspected(Error error) {
  return crypto::OpenSslLackedMemory() ? OutOfMemory() : std::move(error);
}

Error InternalError(const std::exception& exception) {
  Error error = ErrorOf(exception);
  return error.code() == ErrorCode::kNoMemory ? error : error.Within("internal error");
}

}  // namespace veneer::tools
