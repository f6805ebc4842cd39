#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/format/withdrawal.h"
#include "fs/io/file_ops.h"
#include "tools/created.h"
#include "tools/layer_file.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string layer;
  std::string reason;
  std::string output;
  SigningOptions signing;
};

struct NamedLayer {
  std::string id;
  format::Manifest manifest;
};

// A layer file, or else a layer of the store. Whoever withdraws names the file; whether its signature is
// believed here is no matter, since the withdrawal names its content.
Result<NamedLayer> FindLayer(const std::string& word, const Globals& globals) {
  std::error_code error;
  if (std::filesystem::is_regular_file(word, error)) {
    VENEER_ASSIGN(const auto file, OpenLayerFile(word));
    VENEER_ASSIGN(auto claim, layer::ReadUnverifiedManifest(*file));
    return NamedLayer{std::move(claim.id), std::move(claim.manifest)};
  }
  const auto store = catalog::Store::Open(globals.store, globals.trust);
  if (!store) {
    return Fail(ErrorCode::kNotFound, "{}: no such layer file, and no store to look in ({})", word,
                store.error().message());
  }
  VENEER_ASSIGN(const auto catalog, store->OpenCatalogForReading());
  VENEER_ASSIGN(const auto records, catalog->Layers());
  VENEER_ASSIGN(const auto candidates, core::CandidatesOf(records));
  VENEER_ASSIGN(const core::Candidate* found, core::FindCandidate(candidates, word));
  return NamedLayer{found->record.id, found->manifest};
}

Status Withdraw(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const std::vector<crypto::Signer> signers, options.signing.Load());
  VENEER_ASSIGN(const NamedLayer layer, FindLayer(options.layer, globals));
  output.SetLayer(layer.id);
  if (layer.manifest.kind == format::LayerKind::kBase) {
    return Fail(ErrorCode::kUsage, "{}: is a base; only patches are withdrawn", layer.manifest.name);
  }
  VENEER_ASSIGN(const std::string created, CreatedNow());
  const std::string text = format::WriteWithdrawal(
      {layer.id, layer.manifest.component, layer.manifest.sequence, options.reason, created});
  if (const auto parsed = format::ParseWithdrawal(AsBytes(text)); !parsed) {
    return Fail(ErrorCode::kUsage, "{}", parsed.error().message());
  }
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(options.output, error))) {
    return Fail(ErrorCode::kExists, "{}: is there already", options.output);
  }
  if (signers.empty()) {
    // The text as it is: what `openssl cms -sign` makes of it is the withdrawal.
    VENEER_TRY(io::WriteFileAtomically(options.output, AsBytes(text)));
  } else {
    VENEER_ASSIGN(const Bytes der, crypto::CmsSign(AsBytes(text), signers));
    VENEER_TRY(io::WriteFileAtomically(options.output, der));
  }
  output.json() = {{"file", ToUtf8(options.output)},
                   {"layer", layer.id},
                   {"component", layer.manifest.component},
                   {"sequence", layer.manifest.sequence},
                   {"letter", format::SequenceLetter(layer.manifest.sequence)},
                   {"reason", options.reason},
                   {"created", created},
                   {"signed", !signers.empty()}};
  output.Note("{}: withdraws {}, {}", options.output, layer.manifest.name, layer.id);
  return {};
}

}  // namespace

Action AddWithdraw(CLI::App& verb) {
  verb.description("Make a signed withdrawal of a patch, which install takes in");
  auto options = std::make_shared<Options>();
  verb.add_option("LAYER", options->layer, "Layer file of the patch, or its name in the store")->required();
  verb.add_option("--reason", options->reason, "Why, in one line")->required()->type_name("TEXT");
  verb.add_option("-o,--output", options->output, "Withdrawal to write")->required()->type_name("FILE");
  options->signing.AddTo(verb);
  return [options](const Globals& globals, Output& output) { return Withdraw(*options, globals, output); };
}

}  // namespace veneer::tools
