// The file system as RocksDB sees it, with each step that changes something recorded.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "tests/crash/step.h"

namespace veneer::test {

// An Env for one catalog::Medium. `log` outlives it.
std::unique_ptr<rocksdb::Env> NewRecordingEnv(StepLog& log);

}  // namespace veneer::test
