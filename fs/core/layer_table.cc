#include "fs/core/layer_table.h"

namespace veneer::core {

void LayerTable::Add(const StackLayer& layer) {
  const std::lock_guard lock(mutex_);
  if (Has(layer.slot)) return;
  owned_.push_back(layer.image);
  images_[layer.slot].store(layer.image.get(), std::memory_order_release);
}

}  // namespace veneer::core
