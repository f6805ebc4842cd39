#include "fs/fuse/shared_state.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace veneer::fuse {

void SharedMemory::Unmapper::operator()(SharedState* state) const {
  ::munmap(state, size);
}

Result<SharedMemory> SharedMemory::Create(unsigned threads) {
  UniqueFd memory(::memfd_create("veneer-counts", MFD_CLOEXEC));
  if (!memory) return FailErrno(errno, "memory to share with the worker");
  return Map(std::move(memory), threads);
}

Result<SharedMemory> SharedMemory::Map(UniqueFd memory, unsigned threads) {
  struct stat st {};
  if (::fstat(memory.get(), &st) != 0) return FailErrno(errno, "memory shared with the worker");
  const size_t size = offsetof(SharedState, journals) + threads * sizeof(LookupJournal);
  if (static_cast<size_t>(st.st_size) < size && ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0)
    return FailErrno(errno, "memory shared with the worker");
  void* place = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (place == MAP_FAILED) return FailErrno(errno, "memory shared with the worker");
  ::madvise(place, size, MADV_DONTDUMP);  // a dump would fill what is empty
  return SharedMemory(std::move(memory), Mapped(static_cast<SharedState*>(place), {size}));
}

}  // namespace veneer::fuse
