#include "tools/no_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fs/crypto/openssl_memory.h"
#include "tools/exit_status.h"

namespace veneer::tools {
namespace {

// Below what malloc maps apart, so that it goes back to the heap that all take from.
constexpr size_t kReserve = 96 << 10;

// What a command needs of the stack, which the kernel otherwise lets grow only while there is memory: one
// that cannot is a SIGSEGV, of which nothing can be told.
constexpr size_t kStack = 256 << 10;
constexpr size_t kPage = 4096;

std::atomic<void*> reserve{nullptr};
std::atomic_flag told;
char line[64] = "";

// Called by operator new when there is no more. The allocation fails all the same: it may be of any size.
void OnNoMemory() {
  std::set_new_handler(nullptr);
  std::free(reserve.exchange(nullptr));  // NOLINT: malloc's
  throw std::bad_alloc();
}

[[noreturn]] void EndWithoutMemory() {
  static_cast<void>(!::write(STDERR_FILENO, line, std::strlen(line)));
  ::_exit(kFailure);
}

[[noreturn]] void OnTerminate() {
  try {
    throw;
  } catch (const std::exception& exception) {
    if (ErrorOf(exception).code() != ErrorCode::kNoMemory) std::abort();
    // Of several threads one speaks; what has been said by now is not said again.
    if (told.test_and_set()) ::_exit(kFailure);
    EndWithoutMemory();
  } catch (...) {
  }
  std::abort();
}

// Whether there is so much is found out in a way that can be told of.
[[gnu::noinline]] void HaveStack() {
  void* const room = ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) EndWithoutMemory();
  ::munmap(room, kStack);
  [[maybe_unused]] volatile char stack[kStack];
  for (size_t i = 0; i < kStack; i += kPage) stack[kStack - 1 - i] = 0;
}

}  // namespace

void PrepareForNoMemory(const char* program) {
  std::snprintf(line, sizeof line, "%s: out of memory\n", program);
  HaveStack();
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
