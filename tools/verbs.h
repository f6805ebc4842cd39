// The verbs of the program. To add one: a file tools/VERB.cc, its function here, its line in verbs.cc, and
// its words in completion/veneer.bash.
#pragma once

#include <span>

#include "tools/command.h"

namespace veneer::tools {

// In the order in which help shows them.
std::span<const Verb> Verbs();

Action AddActivate(CLI::App& verb);
Action AddDiff(CLI::App& verb);
Action AddGc(CLI::App& verb);
Action AddHistory(CLI::App& verb);
Action AddInit(CLI::App& verb);
Action AddInspect(CLI::App& verb);
Action AddInstall(CLI::App& verb);
Action AddKeygen(CLI::App& verb);
Action AddList(CLI::App& verb);
Action AddMetrics(CLI::App& verb);
Action AddMount(CLI::App& verb);
Action AddPatch(CLI::App& verb);
Action AddPs(CLI::App& verb);
Action AddReload(CLI::App& verb);
Action AddRepairCatalog(CLI::App& verb);
Action AddRevert(CLI::App& verb);
Action AddScan(CLI::App& verb);
Action AddSeal(CLI::App& verb);
Action AddSign(CLI::App& verb);
Action AddStatus(CLI::App& verb);
Action AddUmount(CLI::App& verb);
Action AddWhy(CLI::App& verb);
Action AddWhyNot(CLI::App& verb);
Action AddWithdraw(CLI::App& verb);

}  // namespace veneer::tools
