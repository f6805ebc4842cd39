// The layers that a mount has open, by slot.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "fs/erofs/image.h"

namespace veneer::core {

// What the union needs of a layer.
struct StackLayer {
  uint16_t slot = 0;  // 1 to 65535
  std::shared_ptr<const erofs::Image> image;
};

// Layers that a switch dropped stay in the tables of later views, so that their files remain readable to
// those who hold them, until somebody makes a table without them. Immutable: safe from several threads.
class LayerTable {
 public:
  // This table and `layers`; a slot that is here already stays as it is.
  std::shared_ptr<const LayerTable> With(const std::vector<StackLayer>& layers) const;

  // This table without `slots`.
  std::shared_ptr<const LayerTable> Without(const std::set<uint16_t>& slots) const;

  // The image in `slot`, or null. Valid for as long as the table is.
  const erofs::Image* Find(uint16_t slot) const {
    return slot < images_.size() ? images_[slot].get() : nullptr;
  }

  // The same, to be kept beyond the table.
  std::shared_ptr<const erofs::Image> Get(uint16_t slot) const {
    return slot < images_.size() ? images_[slot] : nullptr;
  }

  // The slots that are taken.
  std::set<uint16_t> Slots() const;

 private:
  std::vector<std::shared_ptr<const erofs::Image>> images_;  // by slot; null where there is none
};

}  // namespace veneer::core
