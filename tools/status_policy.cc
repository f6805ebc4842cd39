#include "tools/status_policy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "fs/core/exposure.h"
#include "fs/core/withdrawal.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 1 << 20;

using Ids = std::vector<std::string>;

Result<Ids> CurrentLayers(const catalog::Catalog& catalog) {
  VENEER_ASSIGN(const auto current, catalog.CurrentGeneration());
  return current ? current->layers : Ids();
}

bool Contains(const Ids& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void ShowWithdrawals(const core::PlanFacts& facts, const catalog::State& state, const Ids& current,
                     Output& output) {
  Json list = Json::array();
  for (const auto& [layer, reason] : facts.withdrawn) {
    const bool active = Contains(current, layer) && layer != current.front();
    output.Line("withdrawn: {}{}: {}", layer, active ? ", and still active" : "", reason);
    list.push_back({{"layer", layer},
                    {"active", active},
                    {"reason", ToUtf8(reason)},
                    {"since", format::FormatUtcTime(static_cast<int64_t>(state.withdrawn.at(layer)))}});
  }
  output.json()["withdrawn"] = std::move(list);
}

std::string CvesText(const core::AdvisoryStand& stand) {
  return stand.cves.empty() ? "" : fmt::format(" ({})", fmt::join(stand.cves, ", "));
}

Json JsonOf(const std::vector<core::AdvisoryStand>& stands) {
  Json list = Json::array();
  for (const core::AdvisoryStand& stand : stands) {
    list.push_back({{"advisory", stand.advisory->id},
                    {"cves", stand.cves},
                    {"severity", stand.advisory->severity},
                    {"summary", stand.advisory->summary},
                    {"layer", stand.patch->record.id},
                    {"name", stand.patch->manifest.name},
                    {"withdrawn", stand.withdrawn}});
  }
  return list;
}

}  // namespace

Result<std::vector<core::Candidate>> ShowProblems(const catalog::Store& store,
                                                  const catalog::Catalog& catalog,
                                                  const crypto::TrustStore& trust, Output& output) {
  VENEER_ASSIGN(const Ids current, CurrentLayers(catalog));
  VENEER_ASSIGN(const auto records, catalog.Layers());
  VENEER_ASSIGN(auto layers, core::CandidatesOf(records));
  Json list = Json::array();
  std::vector<core::Candidate> good;
  for (core::Candidate& layer : layers) {
    const auto opened =
        store.OpenLayer(layer.record, trust, std::make_shared<verity::BlockCache>(kCacheBytes));
    if (opened) {
      layer.manifest = (*opened)->manifest();
      good.push_back(std::move(layer));
      continue;
    }
    const bool active = Contains(current, layer.record.id);
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
  return good;
}

Status ShowExposure(const catalog::Store& store, const catalog::Catalog& catalog,
                    const crypto::TrustStore& trust, const std::vector<core::Candidate>& layers,
                    Output& output) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  VENEER_ASSIGN(const Ids current, CurrentLayers(catalog));
  const core::PlanFacts facts{trust.policy().model, state.security_floor,
                              core::WithdrawalReasons(store, state, trust)};
  ShowWithdrawals(facts, state, current, output);
  const core::Exposure exposure = core::JudgeExposure(layers, current, facts);
  for (const core::AdvisoryStand& stand : exposure.answered) {
    output.Line("answered: {}{}, by {}", stand.advisory->id, CvesText(stand), stand.patch->manifest.name);
  }
  for (const core::AdvisoryStand& stand : exposure.open) {
    output.Line("OPEN: {}{}: {} is installed and {}", stand.advisory->id, CvesText(stand),
                stand.patch->manifest.name, stand.withdrawn ? "withdrawn" : "not active");
  }
  output.json()["exposure"] = {{"answered", JsonOf(exposure.answered)}, {"open", JsonOf(exposure.open)}};
  return {};
}

}  // namespace veneer::tools
