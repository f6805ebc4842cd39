#include "tools/switch_preview.h"

#include <algorithm>

#include "tools/output.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

std::vector<std::string> RestartWishes(const std::vector<std::shared_ptr<const layer::Layer>>& stack,
                                       const std::vector<std::string>& before) {
  std::vector<std::string> restart;
  for (const auto& layer : stack) {
    if (std::find(before.begin(), before.end(), layer->id()) != before.end()) continue;
    const auto& units = layer->manifest().restart;
    restart.insert(restart.end(), units.begin(), units.end());
  }
  return restart;
}

const char* KindOf(const core::ChangedEntry& entry) {
  if (entry.before == 0) return "appears";
  return entry.after == 0 ? "vanishes" : "changes";
}

}  // namespace

Result<std::optional<SwitchPreview>> PreviewSwitch(const StoreChange& change,
                                                   const std::vector<std::string>& before,
                                                   const std::vector<std::string>& after, Output& output) {
  VENEER_ASSIGN(const StackView next, OpenSoundStack(change, after, 1));
  if (before.empty()) return std::nullopt;
  SwitchPreview preview{std::nullopt, before.front() != after.front(), RestartWishes(next.layers, before)};
  const auto former = OpenStackView(change, before, 0);
  if (!former) {
    output.Note("warning: what changes cannot be told: {}", former.error().message());
    return preview;
  }
  VENEER_ASSIGN(preview.changes, core::Changes::Between(*former->view, *next.view));
  return preview;
}

void ShowChanges(const SwitchPreview& preview, Output& output) {
  Json paths = Json::array();
  if (!preview.changes) return;
  for (const core::ChangedEntry& entry : preview.changes->entries()) {
    output.Line("{:<8}  /{}", KindOf(entry), entry.path);
    paths.push_back({{"path", "/" + ToUtf8(entry.path)}, {"change", KindOf(entry)}});
  }
  output.json()["changes"] = std::move(paths);
}

void ShowRestart(const SwitchPreview& preview, Output& output) {
  for (const std::string& unit : preview.restart) output.Note("wants a restart: {}", unit);
}

Result<std::vector<fuse::Hazard>> ShowHazards(const StoreChange& change, const SwitchPreview& preview,
                                              Output& output) {
  VENEER_ASSIGN(auto hazards,
                fuse::FindHazards(change.store.identity(), preview.changes ? &*preview.changes : nullptr,
                                  preview.new_base));
  Json list = Json::array();
  for (const fuse::Hazard& hazard : hazards) {
    output.Note("{}: {}", hazard.refuses ? "refused without --force" : "warning", hazard.text);
    list.push_back({{"text", ToUtf8(hazard.text)}, {"refuses", hazard.refuses}});
  }
  output.json()["hazards"] = std::move(list);
  return hazards;
}

}  // namespace veneer::tools
