// The layers that a mount has open, by slot.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "fs/erofs/image.h"

namespace veneer::core {

// What the union needs of a layer.
struct StackLayer {
  uint16_t slot = 0;  // 1 to 65535
  std::shared_ptr<const erofs::Image> image;
};

// Layers are added and stay: files of a layer that a switch dropped remain readable to those who hold them.
// Safe from several threads; Find takes no lock.
class LayerTable {
 public:
  // Adding a slot again changes nothing.
  void Add(const StackLayer& layer);

  // The image in `slot`, or null. Valid for as long as the table is.
  const erofs::Image* Find(uint16_t slot) const { return images_[slot].load(std::memory_order_acquire); }

  // Whether `slot` is here.
  bool Has(uint16_t slot) const { return Find(slot) != nullptr; }

 private:
  std::array<std::atomic<const erofs::Image*>, 65536> images_{};
  std::mutex mutex_;
  std::vector<std::shared_ptr<const erofs::Image>> owned_;  // guarded by mutex_
};

}  // namespace veneer::core
