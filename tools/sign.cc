#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/layer/attach.h"
#include "tools/layer_file.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string file;
  bool prepare = false;
  std::string attach;
  std::string output;
};

// The bytes to be signed: the manifest as it stands in the layer.
Status Prepare(const io::PosixFile& file, const Options& options, Output& output) {
  VENEER_ASSIGN(const layer::SignedManifest claim, layer::ReadUnverifiedManifest(file));
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(options.output, error))) {
    return Fail(ErrorCode::kExists, "{}: is there already", options.output);
  }
  VENEER_TRY(io::WriteFileAtomically(options.output, AsBytes(claim.text)));
  output.json() = {{"file", ToUtf8(options.output)}, {"layer_id", claim.id}, {"bytes", claim.text.size()}};
  output.Note("{}: the manifest to be signed; its SHA-256 is the layer id {}", options.output, claim.id);
  return {};
}

Status Attach(const io::PosixFile& file, const Options& options, Output& output) {
  VENEER_ASSIGN(const Bytes der, io::ReadWholeFile(options.attach, format::kMaxCmsSize));
  VENEER_ASSIGN(const layer::AttachResult attached, layer::AttachSignature(file, der, options.output));
  output.json() = {{"file", ToUtf8(options.output)}, {"layer_id", attached.layer_id}};
  Json signers = Json::array();
  output.Note("{}: layer {}", options.output, attached.layer_id);
  for (const crypto::SignerDescription& signer : attached.signers) {
    output.Note("signed by {}", signer.subject);
    signers.push_back(ToUtf8(signer.subject));
  }
  output.json()["signers"] = std::move(signers);
  return {};
}

Status Sign(const Options& options, Output& output) {
  if (options.prepare == !options.attach.empty()) {
    return Fail(ErrorCode::kUsage, "give either --prepare or --attach CMS");
  }
  output.SetLayer(options.file);
  VENEER_ASSIGN(const auto file, OpenLayerFile(options.file));
  return options.prepare ? Prepare(*file, options, output) : Attach(*file, options, output);
}

}  // namespace

Action AddSign(CLI::App& verb) {
  verb.description("Have a layer signed on another host: write what is to be signed, attach the signature");
  auto options = std::make_shared<Options>();
  verb.add_option("FILE", options->file, "Layer file, as seal or patch --unsigned wrote it")->required();
  auto* prepare = verb.add_flag("--prepare", options->prepare, "Write the manifest, which is to be signed");
  verb.add_option("--attach", options->attach, "Write the layer with this CMS message over its manifest")
      ->type_name("CMS")
      ->excludes(prepare);
  verb.add_option("-o,--output", options->output, "File to write")->required()->type_name("FILE");
  return [options](const Globals&, Output& output) { return Sign(*options, output); };
}

}  // namespace veneer::tools
