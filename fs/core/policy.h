// Whether a layer may be installed, and whether a stack may become current (design §7). Pure: facts in,
// checks out.
//
// The signature is judged before, by layer::ReadSignedManifest: what comes here is authentic.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/records.h"
#include "fs/format/manifest.h"

namespace veneer::core {

// One question asked of a layer, and how it was answered.
struct Check {
  std::string name;  // "system", "version", "model", "sequence", "floor", "requires", "withdrawn"
  bool passed = false;
  ErrorCode refusal = ErrorCode::kFailed;  // the code if it did not pass
  std::string detail;                      // what was compared, in words
  bool skipped = false;                    // it could not be asked; `detail` says why
};

// What a layer is judged by.
struct InstallFacts {
  std::vector<format::OsInfo> bases;                 // installed, the current one first
  std::string model;                                 // of this machine; empty: not said
  std::map<std::string, uint32_t> highest_sequence;  // seen, by component
  std::map<std::string, uint32_t> security_floor;    // by component
  std::map<std::string, std::string> withdrawn;      // reasons, by layer id
  std::vector<std::string> components;               // of installed patches that are not withdrawn
};

// The time by which validity is judged where the clock says `now`: a clock that went backwards is not
// believed. Seconds since 1970.
int64_t BelievedTime(const catalog::State& state, int64_t now);

// All checks of an install of the layer `id`, passed and failed, in a fixed order.
std::vector<Check> JudgeInstall(const std::string& id, const format::Manifest& manifest,
                                const InstallFacts& facts);

// The first check that failed, as an error; nothing if all passed. `name` is what the message begins with.
Status FirstRefusal(const std::vector<Check>& checks, const std::string& name);

// Whether `patch` may be laid over `base` on a machine of `model`: the checks "system", "version" and
// "model".
std::vector<Check> JudgeApplicability(const format::Manifest& patch, const format::OsInfo& base,
                                      const std::string& model);

// Whether `patch` is not below the floor of its component: the check "floor".
Check JudgeFloor(const format::Manifest& patch, const std::map<std::string, uint32_t>& floors);

}  // namespace veneer::core
