#include "fs/scan/scan.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 8 << 20;
constexpr size_t kMostPathsShown = 5;

struct Options {
  std::vector<std::string> layers;
  bool current = false;
};

struct Totals {
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  uint64_t damaged = 0;
};

// A layer that is wanted and not there must not pass for one that was checked.
Status AllKnown(const std::vector<std::string>& ids, const std::vector<core::Candidate>& candidates) {
  for (const std::string& id : ids) {
    const bool known =
        std::any_of(candidates.begin(), candidates.end(),
                    [&](const core::Candidate& candidate) { return candidate.record.id == id; });
    if (!known) {
      return Fail(ErrorCode::kDamaged, "layer {} is not in the catalog{}", id, catalog::kRepairCatalog);
    }
  }
  return {};
}

Result<std::vector<core::Candidate>> ChosenLayers(const Options& options, const catalog::Catalog& catalog) {
  VENEER_ASSIGN(const auto records, catalog.Layers());
  VENEER_ASSIGN(auto candidates, core::CandidatesOf(records));
  std::vector<std::string> ids;
  for (const std::string& word : options.layers) {
    VENEER_ASSIGN(const core::Candidate* found, core::FindCandidate(candidates, word));
    ids.push_back(found->record.id);
  }
  if (options.current) {
    VENEER_ASSIGN(const auto generation, catalog.CurrentGeneration());
    if (!generation) return Fail(ErrorCode::kNotFound, "no generation is current");
    VENEER_TRY(AllKnown(generation->layers, candidates));
    ids.insert(ids.end(), generation->layers.begin(), generation->layers.end());
  }
  if (options.layers.empty() && !options.current) return candidates;
  std::erase_if(candidates, [&](const core::Candidate& candidate) {
    return std::find(ids.begin(), ids.end(), candidate.record.id) == ids.end();
  });
  return candidates;
}

void ShowFinding(const core::Candidate& candidate, const scan::Finding& finding, Output& output,
                 Json& findings) {
  Json paths = Json::array();
  for (const std::string& path : finding.paths) paths.push_back("/" + ToUtf8(path));
  output.Line("{}: block {} ({}) is damaged", candidate.manifest.name, finding.block, finding.kind);
  for (size_t i = 0; i < finding.paths.size() && i < kMostPathsShown; ++i)
    output.Line("  /{}", finding.paths[i]);
  if (finding.paths.size() > kMostPathsShown)
    output.Line("  and {} more", finding.paths.size() - kMostPathsShown);
  for (const format::Advisory& advisory : candidate.manifest.advisories)
    output.Line("  answers {}", advisory.id);
  findings.push_back({{"layer", candidate.record.id},
                      {"block", finding.block},
                      {"paths", std::move(paths)},
                      {"kind", finding.kind},
                      {"repaired", false}});
}

Status ScanOne(const core::Candidate& candidate, const catalog::Store& store, const crypto::TrustStore& trust,
               const Globals& globals, Output& output, Totals& totals, Json& findings) {
  // A cache of its own, so that every block comes from the device.
  auto layer = store.OpenLayer(candidate.record, trust, std::make_shared<verity::BlockCache>(kCacheBytes));
  if (!layer) {
    // What cannot even be opened: trailer, signature, superblock, or the file itself. One that nobody trusts
    // any more is refused, and not damaged.
    if (layer.error().code() == ErrorCode::kDamaged) ++totals.damaged;
    output.Line("{}: {}", candidate.manifest.name, layer.error().message());
    findings.push_back({{"layer", candidate.record.id},
                        {"name", candidate.manifest.name},
                        {"block", nullptr},
                        {"paths", Json::array()},
                        {"kind", CodeWord(layer.error().code())},
                        {"message", layer.error().message()},
                        {"repaired", false}});
    return layer.error().code() == ErrorCode::kDamaged ? Status() : tl::unexpected(std::move(layer).error());
  }
  Result<scan::LayerScan> scanned = [&] {
    Progress progress(globals);
    return scan::ScanLayer(**layer, progress.Reporter());
  }();
  if (!scanned) return tl::unexpected(std::move(scanned).error());
  totals.blocks += scanned->blocks;
  totals.bytes += scanned->bytes;
  totals.damaged += scanned->findings.size();
  for (const scan::Finding& finding : scanned->findings) ShowFinding(candidate, finding, output, findings);
  return {};
}

Status Scan(const Options& options, const Globals& globals, Output& output) {
  const auto begin = std::chrono::steady_clock::now();
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const auto candidates, ChosenLayers(options, *catalog));
  Totals totals;
  Json findings = Json::array();
  // One layer that cannot be looked at keeps no other from it, and no finding from being told.
  Status first;
  for (const core::Candidate& candidate : candidates) {
    Status scanned = ScanOne(candidate, store, *trust, globals, output, totals, findings);
    const bool stop = !scanned && scanned.error().code() == ErrorCode::kInterrupted;
    if (!scanned && (first || stop)) first = std::move(scanned);
    if (stop) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  output.json() = {{"layers", candidates.size()},
                   {"blocks", totals.blocks},
                   {"bytes", totals.bytes},
                   {"seconds", took.count()},
                   {"findings", std::move(findings)}};
  if (!first && first.error().code() == ErrorCode::kInterrupted) return first;
  output.Note("{} layers, {} in {} blocks checked in {:.1f} s", candidates.size(), SizeText(totals.bytes),
              totals.blocks, took.count());
  if (totals.damaged == 0) {
    if (first) output.Note("no damage");
    return first;
  }
  return Fail(ErrorCode::kDamaged, "{}: damage found in {} places", store.path(), totals.damaged);
}

}  // namespace

Action AddScan(CLI::App& verb) {
  verb.description("Check every block of every layer against its signed hash");
  auto options = std::make_shared<Options>();
  AddRepeatable(verb, "--layer", options->layers, "Only this layer; repeatable");
  verb.add_flag("--current", options->current, "Only the layers of the current generation");
  return [options](const Globals& globals, Output& output) { return Scan(*options, globals, output); };
}

}  // namespace veneer::tools
