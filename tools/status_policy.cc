#include "tools/status_policy.h"

#include <algorithm>

#include "fs/core/withdrawal.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"

namespace veneer::tools {

Status ShowWithdrawals(const catalog::Store& store, const catalog::Catalog& catalog,
                       const crypto::TrustStore& trust, Output& output) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  VENEER_ASSIGN(const auto current, catalog.CurrentGeneration());
  Json list = Json::array();
  for (const auto& [layer, reason] : core::WithdrawalReasons(store, state, trust)) {
    const bool active =
        current && std::find(current->layers.begin(), current->layers.end(), layer) != current->layers.end();
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
