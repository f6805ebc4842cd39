#include "fs/core/patch.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "fs/io/clock.h"
#include "fs/io/file_ops.h"
#include "tools/created.h"
#include "tools/layer_file.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 64 << 20;
constexpr uint64_t kMaxAdvisoryFile = 1 << 20;  // bytes

struct Options {
  std::string tree;
  std::string output;
  std::string base;
  std::vector<std::string> on;
  std::string advisories;
  uint32_t security_floor = 0;
  format::Manifest manifest;
  SigningOptions signing;
};

// The layers that the patch is laid over. Whoever makes patches holds the layers in hand and names them one
// by one, so that here their content is verified against their manifests, and the manifests against a trust
// folder only where one is given.
Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenBelow(const Options& options,
                                                                   const Globals& globals) {
  VENEER_ASSIGN(const auto trust, FindTrust(globals));
  const auto cache = std::make_shared<verity::BlockCache>(kCacheBytes);
  std::vector<std::string> files = {options.base};
  files.insert(files.end(), options.on.begin(), options.on.end());
  std::vector<std::shared_ptr<const layer::Layer>> layers;
  for (const std::string& file : files) {
    VENEER_ASSIGN(const auto opened, OpenLayerFile(file));
    const auto slot = static_cast<uint16_t>(layers.size() + 1);
    VENEER_ASSIGN(auto layer, trust
                                  ? layer::Layer::Open(opened, *trust, crypto::TimeCheck::None(), cache, slot)
                                  : layer::Layer::OpenUnverified(opened, cache, slot));
    const bool first = layers.empty();
    if (first != (layer->manifest().kind == format::LayerKind::kBase)) {
      return Fail(ErrorCode::kUsage, "{}: is a {}, not a {}", file, format::KindWord(layer->manifest().kind),
                  first ? "base" : "patch");
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

Result<format::Manifest> ManifestOf(const Options& options, const format::Manifest& base) {
  format::Manifest manifest = options.manifest;
  manifest.kind = format::LayerKind::kPatch;
  if (!format::IsComponentName(manifest.component)) {
    return Fail(ErrorCode::kUsage, "--component {}: lower-case letters, digits and +.- only",
                manifest.component);
  }
  manifest.name = fmt::format("{} ({})", manifest.component, format::SequenceLetter(manifest.sequence));
  manifest.applies_to = format::AppliesTo{base.os->id, {base.os->version}, base.os->models};
  if (options.security_floor != 0) manifest.security_floor = options.security_floor;
  if (!options.advisories.empty()) {
    VENEER_ASSIGN(const Bytes text, io::ReadWholeFile(options.advisories, kMaxAdvisoryFile));
    auto advisories = format::ParseAdvisories(text);
    if (!advisories) {
      // What the caller hands in is a mistake of the caller's, not a damaged layer.
      return Fail(ErrorCode::kUsage, "{}: {}", options.advisories, advisories.error().message());
    }
    manifest.advisories = std::move(*advisories);
  }
  VENEER_ASSIGN(manifest.created, CreatedNow());
  return manifest;
}

Status Patch(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const std::vector<crypto::Signer> signers, options.signing.Load());
  VENEER_ASSIGN(const auto below, OpenBelow(options, globals));
  VENEER_ASSIGN(const format::Manifest manifest, ManifestOf(options, below.front()->manifest()));
  Result<core::PatchResult> made = [&] {
    Progress progress(globals);
    return core::SealPatch(options.tree, below, options.output, manifest, signers, progress.Reporter());
  }();
  if (!made) return tl::unexpected(std::move(made).error());
  const core::PatchContents& contents = made->contents;
  output.json() = {{"file", ToUtf8(options.output)},
                   {"layer_id", made->seal.layer_id},
                   {"root_hash", ToHex(made->seal.root_hash)},
                   {"image_size", made->seal.image_size},
                   {"file_size", made->seal.file_size},
                   {"files", contents.files},
                   {"folders", contents.folders},
                   {"whiteouts", contents.whiteouts},
                   {"opaque", contents.opaque},
                   {"bytes", contents.bytes}};
  output.Note("{}: sealed {}, {}: {} files changed, {} removed", options.output, manifest.name,
              SizeText(made->seal.file_size), contents.files, contents.whiteouts);
  output.Note("layer id {}", made->seal.layer_id);
  return {};
}

}  // namespace

Action AddPatch(CLI::App& verb) {
  verb.description("Seal a patch layer: what a whole tree differs in from the layers below");
  auto options = std::make_shared<Options>();
  format::Manifest& manifest = options->manifest;
  verb.add_option("TREE", options->tree, "Folder with the whole tree as it should be")->required();
  verb.add_option("-o,--output", options->output, "Layer file to write")->required()->type_name("FILE");
  verb.add_option("--base", options->base, "Base layer that it is laid over")->required()->type_name("FILE");
  AddRepeatable(verb, "--on", options->on, "Patch between base and this one; repeatable, lowest first")
      ->type_name("FILE");
  verb.add_option("--component", manifest.component, "What it mends, e.g. openssl")->required();
  verb.add_option("--sequence", manifest.sequence, "1, 2, ...: a higher one takes a lower one's place")
      ->required()
      ->check(WholeNumber(1, std::numeric_limits<uint32_t>::max()));
  AddRepeatable(verb, "--requires", manifest.requires_components,
                "Component that must be active below; repeatable")
      ->type_name("COMPONENT");
  AddRepeatable(verb, "--restart", manifest.restart, "Unit that wants a restart; repeatable")
      ->type_name("UNIT");
  verb.add_option("--security-floor", options->security_floor, "Lowest sequence that may still be installed")
      ->check(WholeNumber(1, std::numeric_limits<uint32_t>::max()));
  verb.add_flag_callback(
      "--not-removable", [options] { options->manifest.removable = false; },
      "`veneer revert PATCH` does not drop it alone; --all and --to do");
  verb.add_option("--advisory", options->advisories, "JSON file with {\"advisories\": [...]}")
      ->type_name("FILE");
  options->signing.AddTo(verb);
  return [options](const Globals& globals, Output& output) { return Patch(*options, globals, output); };
}

}  // namespace veneer::tools
