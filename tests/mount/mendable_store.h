// A store with layers that have blocks in common, by which damage can be mended.
#pragma once

#include <string>

#include "tests/tools/policy_store.h"

namespace veneer::test {

// The content of a file whose blocks are like no others.
std::string Noise(uint64_t seed);

// A current base, mounted, with the two files of noise /shared (1) and /own (2), and a base that has the
// first of them too and is no part of any generation.
class MendableStore : public PolicyStore {
 public:
  MendableStore();
  ~MendableStore();
  MendableStore(const MendableStore&) = delete;
  MendableStore& operator=(const MendableStore&) = delete;

  std::string mount() const { return shop / "mnt"; }
  std::string FileOf(const std::string& id) const { return path() + "/layers/" + id + ".layer"; }
  std::string file() const { return FileOf(base_); }
  const std::string& base_id() const { return base_; }
  const std::string& donor_id() const { return donor_; }
  const std::string& twin() const { return twin_; }  // a layer file of the very same image, not installed

  // Installs one more base, `version`, with noise of these seeds in its two files; its id.
  std::string AddBase(const std::string& version, uint64_t shared, uint64_t own) const;

  // The block of the layer `file` that holds the tenth of the file of noise `seed`.
  uint64_t BlockIn(const std::string& file, uint64_t seed) const;
  uint64_t BlockOf(uint64_t seed) const { return BlockIn(file(), seed); }

  uint64_t TreeBlock() const;

  // Turns a bit of a layer file, by default the installed base's, and has the kernel forget what it cached.
  void DamageIn(const std::string& file, uint64_t offset) const;
  void Damage(uint64_t offset) const { DamageIn(file(), offset); }

  void RequireWhole() const;

 private:
  std::string base_, donor_, twin_;
};

}  // namespace veneer::test
