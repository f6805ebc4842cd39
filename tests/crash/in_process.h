// The program's command line within the test, so that what it does to a store can be recorded.
#pragma once

#include <string>
#include <vector>

#include "fs/catalog/medium.h"
#include "tests/support/run_command.h"

namespace veneer::test {

// Runs `veneer --quiet --store STORE WORDS`, which changes the store through `medium`.
CommandResult RunInProcess(const std::string& store, const std::vector<std::string>& words,
                           const catalog::Medium& medium = {});

}  // namespace veneer::test
