// Opened layers as the union needs them.
#pragma once

#include <memory>
#include <vector>

#include "fs/core/layer_table.h"
#include "fs/layer/layer.h"

namespace veneer::core {

// The result keeps `layer` alive.
inline StackLayer StackLayerOf(const std::shared_ptr<const layer::Layer>& layer) {
  return {layer->slot(), std::shared_ptr<const erofs::Image>(layer, &layer->image())};
}

inline std::vector<StackLayer> StackOf(const std::vector<std::shared_ptr<const layer::Layer>>& layers) {
  std::vector<StackLayer> stack;
  for (const auto& layer : layers) stack.push_back(StackLayerOf(layer));
  return stack;
}

}  // namespace veneer::core
