#include "tools/block_view.h"

#include <chrono>
#include <set>

#include "fs/scan/scan.h"
#include "tools/progress.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr size_t kPathsInError = 3;

Json JsonOf(const scan::Finding& finding) {
  Json paths = Json::array();
  for (const std::string& path : finding.paths) paths.push_back("/" + ToUtf8(path));
  return {{"block", finding.block}, {"kind", finding.kind}, {"paths", std::move(paths)}};
}

void ShowFinding(const scan::Finding& finding, Output& output) {
  for (const std::string& path : finding.paths) {
    output.Line("damaged: /{} (block {}, {})", path, finding.block, finding.kind);
  }
  if (finding.paths.empty()) {
    output.Line("damaged: block {} ({}), of no path that can be named", finding.block, finding.kind);
  }
}

// "FILE: N damaged blocks: PATH, PATH and K more".
Error DamageError(const std::string& file, const scan::LayerScan& scan) {
  std::set<std::string> paths;
  for (const scan::Finding& finding : scan.findings) paths.insert(finding.paths.begin(), finding.paths.end());
  const size_t count = scan.findings.size();
  std::string text = fmt::format("{}: {} damaged block{}", file, count, count == 1 ? "" : "s");
  size_t named = 0;
  for (const std::string& path : paths) {
    if (named == kPathsInError) break;
    text += (named++ == 0 ? ": /" : ", /") + path;
  }
  if (paths.size() > named) text += fmt::format(" and {} more", paths.size() - named);
  return Error(ErrorCode::kDamaged, std::move(text));
}

Result<scan::LayerScan> Scan(const std::shared_ptr<const verity::VerifiedReader>& reader,
                             const Globals& globals) {
  Progress progress(globals);
  return scan::ScanReader(reader, progress.Reporter());
}

}  // namespace

Status ShowBlockCheck(const std::shared_ptr<const verity::VerifiedReader>& reader, const Globals& globals,
                      Output& output) {
  const auto start = std::chrono::steady_clock::now();
  VENEER_ASSIGN(const scan::LayerScan scan, Scan(reader, globals));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;

  Json findings = Json::array();
  for (const scan::Finding& finding : scan.findings) {
    ShowFinding(finding, output);
    findings.push_back(JsonOf(finding));
  }
  output.json()["verification"] = {{"blocks", scan.blocks},
                                   {"bytes", scan.bytes},
                                   {"seconds", taken.count()},
                                   {"findings", std::move(findings)}};
  if (!scan.findings.empty()) return tl::unexpected(DamageError(reader->file().name(), scan));
  output.Line("verified   {} blocks, {}, in {:.1f} s: no damage", scan.blocks, SizeText(scan.bytes),
              taken.count());
  return {};
}

}  // namespace veneer::tools
