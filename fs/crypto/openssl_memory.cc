#include "fs/crypto/openssl_memory.h"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>

namespace veneer::crypto {
namespace {

std::atomic<bool> lacked{false};

void* Noticed(void* memory) {
  if (memory == nullptr) lacked.store(true, std::memory_order_relaxed);
  return memory;
}

// NOLINTBEGIN: malloc's family, as OpenSSL has it by itself
void* Malloc(size_t size, const char*, int) {
  return size == 0 ? nullptr : Noticed(std::malloc(size));
}

void Free(void* memory, const char*, int) {
  std::free(memory);
}

void* Realloc(void* memory, size_t size, const char* file, int line) {
  if (size != 0) return Noticed(std::realloc(memory, size));
  Free(memory, file, line);
  return nullptr;
}
// NOLINTEND

}  // namespace

void WatchOpenSslMemory() {
  CRYPTO_set_mem_functions(Malloc, Realloc, Free);
}

bool OpenSslLackedMemory() {
  return lacked.load(std::memory_order_relaxed);
}

}  // namespace veneer::crypto
