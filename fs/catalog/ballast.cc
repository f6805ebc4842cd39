#include "fs/catalog/ballast.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <limits>
#include <random>

#include "fs/io/file_ops.h"

namespace veneer::catalog {
namespace {

// So many times the ballast's size is free when it is put there.
constexpr uint64_t kAmple = 8;

std::string BallastPath(const Store& store) {
  return store.path() + "/" + kBallast;
}

// In bytes, for everybody; no end where nobody can tell.
uint64_t FreeRoom(const Store& store) {
  struct statvfs st {};
  if (::statvfs(store.path().c_str(), &st) != 0) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
}

}  // namespace

void GiveUpBallast(const Store& store) {
  if (FreeRoom(store) >= kBallastSize || !store.disk().Remove(BallastPath(store))) return;
  static_cast<void>(store.disk().SyncFolder(store.path()));  // some file systems free no room before that
}

// Its bytes are of no pattern: file systems that compress keep no room for zeros.
void KeepBallast(const Store& store) {
  struct stat st {};
  if (::lstat(BallastPath(store).c_str(), &st) == 0 || FreeRoom(store) / kAmple < kBallastSize) return;
  Bytes bytes(kBallastSize);
  std::minstd_rand random;
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<uint8_t>(random() >> 8); });
  static_cast<void>(io::WriteFileAtomically(BallastPath(store), bytes, 0600, store.disk()));
}

}  // namespace veneer::catalog
