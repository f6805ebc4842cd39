#include <CLI/CLI.hpp>
#include <memory>

#include "fs/core/examine.h"
#include "fs/core/withdrawal.h"
#include "fs/io/clock.h"
#include "tools/layer_file.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/stack_view.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

const char* AnswerOf(const core::Check& check) {
  if (check.skipped) return "skipped";
  return check.passed ? "passed" : "FAILED";
}

Json JsonOf(const core::Check& check) {
  Json json = {{"check", check.name}, {"passed", nullptr}, {"detail", ToUtf8(check.detail)}};
  if (check.skipped) return json;
  json["passed"] = check.passed;
  if (!check.passed) json["code"] = CodeWord(check.refusal);
  return json;
}

// The first check that failed is the verb's own error, so that the exit status is that of an install.
Status ShowChecks(const core::Examination& examination, const std::string& file, Output& output) {
  Json list = Json::array();
  Status verdict;
  for (const core::Check& check : examination.checks) {
    output.Line("{:<10}  {:<7}  {}", check.name, AnswerOf(check), check.detail);
    list.push_back(JsonOf(check));
    if (check.passed || check.skipped || !verdict) continue;
    verdict = Fail(check.refusal, "{}: {}: {}", file, check.name, check.detail);
  }
  output.json()["checks"] = std::move(list);
  return verdict;
}

Status WhyNot(const std::string& path, const Globals& globals, Output& output) {
  output.SetLayer(path);
  VENEER_ASSIGN(const auto file, OpenLayerFile(path));
  VENEER_ASSIGN(const bool is_withdrawal, core::LooksLikeWithdrawal(*file));
  if (is_withdrawal) return Fail(ErrorCode::kUsage, "{}: looks like a withdrawal, not like a layer", path);
  VENEER_ASSIGN(const StoreReading reading, OpenForReading(globals));
  VENEER_ASSIGN(const core::Examination examination, [&] {
    Progress progress(globals);
    return core::Examine(file, reading.store, *reading.catalog, io::SystemClock().Now(), progress.Reporter());
  }());
  output.json()["file"] = ToUtf8(path);
  if (examination.claim) {
    output.SetLayer(examination.claim->id);
    output.json()["layer_id"] = examination.claim->id;
    output.json()["name"] = examination.claim->manifest.name;
    output.Line("{}: {}{}", path, examination.claim->manifest.name,
                examination.authentic ? "" : " (only claimed, since the signature does not hold)");
  }
  output.json()["authentic"] = examination.authentic;
  const Status verdict = ShowChecks(examination, path, output);
  if (verdict) output.Line("nothing speaks against it");
  return verdict;
}

}  // namespace

Action AddWhyNot(CLI::App& verb) {
  verb.description("Say whether a layer file could be installed and activated, check by check");
  auto file = std::make_shared<std::string>();
  verb.add_option("FILE", *file, "Layer file")->required();
  return [file](const Globals& globals, Output& output) { return WhyNot(*file, globals, output); };
}

}  // namespace veneer::tools
