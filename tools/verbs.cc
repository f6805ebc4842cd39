#include "tools/verbs.h"

namespace veneer::tools {
namespace {

// clang-format off
constexpr Verb kVerbs[] = {
    {"keygen", AddKeygen},
    {"seal", AddSeal},
    {"patch", AddPatch},
    {"sign", AddSign},
    {"withdraw", AddWithdraw},
    {"inspect", AddInspect},
    {"init", AddInit},
    {"install", AddInstall},
    {"why-not", AddWhyNot},
    {"activate", AddActivate},
    {"revert", AddRevert},
    {"status", AddStatus},
    {"list", AddList},
    {"metrics", AddMetrics},
    {"history", AddHistory},
    {"why", AddWhy},
    {"diff", AddDiff},
    {"ps", AddPs},
    {"mount", AddMount},
    {"umount", AddUmount},
    {"reload", AddReload},
    {"scan", AddScan},
    {"gc", AddGc},
    {"repair-catalog", AddRepairCatalog},
};
// clang-format on

}  // namespace

std::span<const Verb> Verbs() {
  return kVerbs;
}

}  // namespace veneer::tools
