#include "fs/core/layer_table.h"

#include <algorithm>

namespace veneer::core {

std::shared_ptr<const LayerTable> LayerTable::With(const std::vector<StackLayer>& layers) const {
  auto table = std::make_shared<LayerTable>(*this);
  for (const StackLayer& layer : layers) {
    if (table->images_.size() <= layer.slot) table->images_.resize(size_t{layer.slot} + 1);
    if (table->images_[layer.slot] == nullptr) table->images_[layer.slot] = layer.image;
  }
  return table;
}

std::shared_ptr<const LayerTable> LayerTable::Without(const std::set<uint16_t>& slots) const {
  auto table = std::make_shared<LayerTable>(*this);
  for (const uint16_t slot : slots) {
    if (slot < table->images_.size()) table->images_[slot] = nullptr;
  }
  return table;
}

std::set<uint16_t> LayerTable::Slots() const {
  std::set<uint16_t> slots;
  for (size_t slot = 0; slot < images_.size(); ++slot) {
    if (images_[slot] != nullptr) slots.insert(static_cast<uint16_t>(slot));
  }
  return slots;
}

}  // namespace veneer::core
