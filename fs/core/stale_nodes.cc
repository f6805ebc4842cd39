#include "fs/core/stale_nodes.h"

#include <map>

#include "fs/scan/path_index.h"

namespace veneer::core {
namespace {

// Whether one of `paths` of a layer leads to `node` in `view`. A folder that merges is known by its lowest
// layer's id, which is the id that is held.
Result<bool> IsShown(const View& view, NodeId node, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    VENEER_ASSIGN(const auto there, view.Walk(path));
    if (there && there->id == node) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<StaleNode>> FindStale(const View& view, const std::set<NodeId>& nodes) {
  std::map<uint16_t, std::set<erofs::Nid>> by_slot;
  for (const NodeId node : nodes) {
    if (node != kRootId) by_slot[SlotOf(node)].insert(NidOf(node));
  }
  std::vector<StaleNode> stale;
  for (const auto& [slot, nids] : by_slot) {
    const erofs::Image* image = view.ImageInSlot(slot);
    auto paths = image == nullptr ? std::map<erofs::Nid, std::vector<std::string>>()
                                  : scan::PathsOfInodes(*image, nids);
    for (const erofs::Nid nid : nids) {
      const NodeId node = MakeNodeId(slot, nid);
      const auto& own = paths[nid];
      VENEER_ASSIGN(const bool shown, IsShown(view, node, own));
      if (!shown) stale.push_back({node, own.empty() ? std::string() : own.front()});
    }
  }
  return stale;
}

}  // namespace veneer::core
