// A store of a size to be measured: a base, a patch, and the places where they are mounted.
#pragma once

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fs/base/error.h"

namespace veneer::bench {

// Files of 1 to 16 KiB, a hundred in each folder.
class BenchStore {
 public:
  // Whether a patch changes files in every folder, or all of some folders.
  enum class Layout { kSpread, kTogether };

  // Makes in `folder` a store with a base of `files` files and, unless `patched` is 0, an installed patch
  // that changes `patched` of them. The base is current.
  BenchStore(const std::string& folder, int files, int patched, Layout layout = Layout::kSpread);
  ~BenchStore();
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  // Where the file `number` is, below a mount.
  static std::string PathOf(int number);

  // Whether the patch changes the file `number`.
  bool IsPatched(int number) const {
    if (layout_ == Layout::kTogether) return number < patched_;
    return patched_ != 0 && number % std::max(1, files_ / patched_) == 0;
  }

  // Runs the program on the store, the second with its answer. Ends the benchmark if it fails.
  void Run(std::vector<std::string> words) const;
  nlohmann::json Json(std::vector<std::string> words) const;

  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::string store() const { return folder_ / "store"; }
  std::string mount() const { return folder_ / "veneer"; }
  std::string base() const { return folder_ / "base.layer"; }
  std::string patch() const { return folder_ / "patch.layer"; }

  void Mount() const;
  void Unmount() const;  // and waits until its server has ended

 private:
  void Sign(std::vector<std::string> words) const;
  void MakeTree() const;
  void MakePatch() const;

  std::filesystem::path folder_;
  int files_;
  int patched_;
  Layout layout_;
};

}  // namespace veneer::bench
