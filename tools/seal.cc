#include "fs/layer/seal.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/created.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string tree;
  std::string output;
  format::OsInfo os;
  SigningOptions signing;
};

Status Seal(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const std::vector<crypto::Signer> signers, options.signing.Load());
  format::Manifest manifest;
  manifest.kind = format::LayerKind::kBase;
  manifest.name = options.os.id + " " + options.os.version;
  manifest.os = options.os;
  VENEER_ASSIGN(manifest.created, CreatedNow());

  VENEER_ASSIGN(const layer::SealResult sealed, [&] {
    Progress progress(globals);
    return layer::Seal(options.tree, options.output, manifest, signers, progress.Reporter());
  }());
  output.json() = {{"file", ToUtf8(options.output)},
                   {"layer_id", sealed.layer_id},
                   {"root_hash", ToHex(sealed.root_hash)},
                   {"image_size", sealed.image_size},
                   {"file_size", sealed.file_size}};
  output.Note("{}: sealed {}, {}", options.output, manifest.name, SizeText(sealed.file_size));
  output.Note("layer id {}", sealed.layer_id);
  return {};
}

}  // namespace

Action AddSeal(CLI::App& verb) {
  verb.description("Seal a tree into a base layer");
  auto options = std::make_shared<Options>();
  verb.add_option("TREE", options->tree, "Folder with the whole tree")->required();
  verb.add_option("-o,--output", options->output, "Layer file to write")->required()->type_name("FILE");
  verb.add_option("--id", options->os.id, "Id of the system, e.g. debian")->required();
  verb.add_option("--version", options->os.version, "Its version, exact, e.g. 12.5")->required();
  AddRepeatable(verb, "--model", options->os.models,
                "Machine model that it is for (default: any); repeatable");
  options->signing.AddTo(verb);
  return [options](const Globals& globals, Output& output) { return Seal(*options, globals, output); };
}

}  // namespace veneer::tools
