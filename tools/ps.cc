#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "fs/core/stack.h"
#include "fs/core/stale_nodes.h"
#include "fs/fuse/activation.h"
#include "fs/fuse/holders.h"
#include "tools/output.h"
#include "tools/stack_view.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 16 << 20;
constexpr size_t kMostPaths = 5;

// What a mount shows, and all the layers of the store that can be opened beside it, so that files of former
// ones have their paths.
Result<StackView> ViewOfMount(const StoreReading& reading, uint64_t generation) {
  VENEER_ASSIGN(const auto record, FindGeneration(*reading.catalog, generation));
  VENEER_ASSIGN(StackView stack, OpenStackView(reading, record.layers, generation));
  VENEER_ASSIGN(const auto records, reading.catalog->Layers());
  const auto cache = std::make_shared<verity::BlockCache>(kCacheBytes);
  for (const catalog::LayerRecord& layer : records) {
    if (std::find(record.layers.begin(), record.layers.end(), layer.id) != record.layers.end()) continue;
    if (auto opened = reading.store.OpenLayer(layer, *reading.trust, cache)) stack.layers.push_back(*opened);
  }
  const core::LayerTable former;
  VENEER_ASSIGN(stack.view, core::View::Build(generation, stack.view->stack(),
                                              *former.With(core::StackOf(stack.layers))));
  return stack;
}

// The units that the patches of the stack ask to be restarted.
std::set<std::string> RestartWishes(const StackView& stack) {
  std::set<std::string> units;
  const size_t shown = stack.view->stack().size();
  for (size_t i = 0; i < shown; ++i) {
    const auto& wishes = stack.layers[i]->manifest().restart;
    units.insert(wishes.begin(), wishes.end());
  }
  return units;
}

// The paths of the stale nodes that `holder` holds, each as it was in its layer.
Json PathsOf(const fuse::Holder& holder, const std::map<core::NodeId, std::string>& stale) {
  Json paths = Json::array();
  for (const uint64_t inode : holder.inodes) {
    const auto found = stale.find(inode);
    if (found == stale.end()) continue;
    paths.push_back(found->second.empty() ? fmt::format("inode {:#x}", inode) : "/" + ToUtf8(found->second));
  }
  return paths;
}

void ShowProcess(const fuse::Holder& holder, const Json& paths, bool wished, Output& output) {
  std::vector<std::string> named;
  for (const auto& path : paths) {
    if (named.size() < kMostPaths) named.push_back(path);
  }
  const size_t more = paths.size() - named.size();
  output.Line("{:>8}  {:<16}  {}{}  {}{}", holder.pid, holder.name, holder.unit.empty() ? "-" : holder.unit,
              wished ? " (restart wished)" : "", fmt::join(named, ", "),
              more == 0 ? "" : fmt::format(" and {} more", more));
}

struct Answer {
  Json processes = Json::array();
  std::set<std::string> units;  // whose restart would end the use of what is stale
};

Status Examine(const StoreReading& reading, const fuse::LiveMount& mount, Answer& answer, Output& output) {
  VENEER_ASSIGN(const auto holders, fuse::FindHolders(mount.device()));
  std::set<core::NodeId> held;
  for (const fuse::Holder& holder : holders) held.insert(holder.inodes.begin(), holder.inodes.end());
  VENEER_ASSIGN(const StackView stack, ViewOfMount(reading, mount.generation()));
  VENEER_ASSIGN(const auto nodes, core::FindStale(*stack.view, held));
  std::map<core::NodeId, std::string> stale;
  for (const core::StaleNode& node : nodes) stale.emplace(node.node, node.path);
  const std::set<std::string> wishes = RestartWishes(stack);
  for (const fuse::Holder& holder : holders) {
    Json paths = PathsOf(holder, stale);
    if (paths.empty()) continue;
    const bool wished = wishes.contains(holder.unit);
    ShowProcess(holder, paths, wished, output);
    if (!holder.unit.empty()) answer.units.insert(holder.unit);
    answer.processes.push_back({{"pid", holder.pid},
                                {"name", ToUtf8(holder.name)},
                                {"unit", ToUtf8(holder.unit)},
                                {"restart_wished", wished},
                                {"dir", ToUtf8(mount.dir())},
                                {"paths", std::move(paths)}});
  }
  return {};
}

Status Ps(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const StoreReading reading, OpenForReading(globals));
  VENEER_ASSIGN(const auto mounts, fuse::FindLiveMounts(reading.store.identity()));
  Answer answer;
  for (const fuse::LiveMount& mount : mounts) {
    if (!mount.pinned()) VENEER_TRY(Examine(reading, mount, answer, output));
  }
  output.json() = {{"processes", answer.processes}, {"units", answer.units}};
  if (answer.processes.empty()) {
    output.Note("{}", mounts.empty() ? "not mounted" : "no process holds anything that is not current");
  }
  std::vector<std::string> services;
  for (const std::string& unit : answer.units) {
    if (unit.ends_with(".service")) services.push_back(unit);
  }
  if (!services.empty()) output.Note("to end this, run: systemctl restart {}", fmt::join(services, " "));
  return {};
}

}  // namespace

Action AddPs(CLI::App& verb) {
  verb.description("List processes that still hold files which are not current any more");
  return Ps;
}

}  // namespace veneer::tools
