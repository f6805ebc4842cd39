#include "tools/status_policy.h"

#include <algorithm>

#include "fs/core/stack_plan.h"
#include "fs/core/withdrawal.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"

namespace veneer::tools {

namespace {

constexpr size_t kCacheBytes = 1 << 20;

bool IsActive(const std::optional<catalog::GenerationRecord>& current, const std::string& layer) {
  return current && std::find(current->layers.begin(), current->layers.end(), layer) != current->layers.end();
}

}  // namespace

Status ShowProblems(const catalog::Store& store, const catalog::Catalog& catalog,
                    const crypto::TrustStore& trust, Output& output) {
  VENEER_ASSIGN(const auto current, catalog.CurrentGeneration());
  VENEER_ASSIGN(const auto records, catalog.Layers());
  VENEER_ASSIGN(const auto layers, core::CandidatesOf(records));
  Json list = Json::array();
  for (const core::Candidate& layer : layers) {
    const auto opened =
        store.OpenLayer(layer.record, trust, std::make_shared<verity::BlockCache>(kCacheBytes));
    if (opened) continue;
    const bool active = IsActive(current, layer.record.id);
    if (!active) {
      output.Line("not usable: {} {}, not active: {}", layer.manifest.name, layer.record.id,
                  opened.error().message());
    }
    list.push_back({{"layer", layer.record.id},
                    {"name", layer.manifest.name},
                    {"active", active},
                    {"code", CodeWord(opened.error().code())},
                    {"message", ToUtf8(opened.error().message())}});
  }
  output.json()["problems"] = std::move(list);
  return {};
}

Status ShowWithdrawals(const catalog::Store& store, const catalog::Catalog& catalog,
                       const crypto::TrustStore& trust, Output& output) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  VENEER_ASSIGN(const auto current, catalog.CurrentGeneration());
  Json list = Json::array();
  for (const auto& [layer, reason] : core::WithdrawalReasons(store, state, trust)) {
    const bool active = IsActive(current, layer);
    output.Line("withdrawn: {}{}: {}", layer, active ? ", and still active" : "", reason);
    list.push_back({{"layer", layer},
                    {"active", active},
                    {"reason", ToUtf8(reason)},
                    {"since", format::FormatUtcTime(static_cast<int64_t>(state.withdrawn.at(layer)))}});
  }
  output.json()["withdrawn"] = std::move(list);
  return {};
}

}  // namespace veneer::tools
