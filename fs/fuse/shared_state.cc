#include "fs/fuse/shared_state.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace veneer::fuse {

void SharedMemory::Unmapper::operator()(SharedState* state) const {
  ::munmap(state, sizeof *state);
}

void KeepJournals(SharedState& state, unsigned threads) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = offsetof(SharedState, journals) + threads * sizeof(LookupJournal);
  const size_t kept = (begin + page - 1) / page * page;
  ::munmap(reinterpret_cast<std::byte*>(&state) + kept, sizeof state - kept);
}

Result<SharedMemory> SharedMemory::Create() {
  UniqueFd memory(::memfd_create("veneer-counts", MFD_CLOEXEC));
  if (!memory) return FailErrno(errno, "memory to share with the worker");
  return Map(std::move(memory));
}

Result<SharedMemory> SharedMemory::Map(UniqueFd memory) {
  struct stat st {};
  if (::fstat(memory.get(), &st) != 0) return FailErrno(errno, "memory shared with the worker");
  constexpr auto kSize = static_cast<off_t>(sizeof(SharedState));
  if (st.st_size < kSize && ::ftruncate(memory.get(), kSize) != 0)
    return FailErrno(errno, "memory shared with the worker");
  void* place = ::mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (place == MAP_FAILED) return FailErrno(errno, "memory shared with the worker");
  ::madvise(place, sizeof(SharedState), MADV_DONTDUMP);  // a dump would fill what is empty
  return SharedMemory(std::move(memory), static_cast<SharedState*>(place));
}

}  // namespace veneer::fuse
