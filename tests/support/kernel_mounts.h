// The kernel's own EROFS and overlayfs, to hold a mount of ours against.
#pragma once

#include <string>
#include <vector>

namespace veneer::test {

// A mount that goes when this does. By mount(2), which takes a file as it is; by mount(8) with a loop device
// where the file's file system does not allow that.
class KernelMount {
 public:
  // The EROFS in `file`, read-only, at the folder `folder`, which is made. Fails the test if it will not.
  static KernelMount Erofs(const std::string& file, const std::string& folder);

  // The overlay, without an upper folder, of `lower` (two or more, topmost first) at `folder`.
  static KernelMount Overlay(const std::vector<std::string>& lower, const std::string& folder);

  KernelMount(KernelMount&& other) noexcept : folder_(std::move(other.folder_)) { other.folder_.clear(); }
  KernelMount& operator=(KernelMount&&) = delete;
  ~KernelMount();

  const std::string& folder() const { return folder_; }

 private:
  explicit KernelMount(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace veneer::test
