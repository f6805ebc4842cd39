#include <CLI/CLI.hpp>
#include <memory>

#include "fs/erofs/image.h"
#include "fs/io/clock.h"
#include "tools/block_view.h"
#include "tools/layer_file.h"
#include "tools/manifest_view.h"
#include "tools/output.h"
#include "tools/tree_view.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 64 << 20;

struct Options {
  std::string file;
  bool tree = false;
  bool verify = false;
};

// Behind a manifest that could be read, content that does not fit it is damage.
template <typename T>
Result<T> CorruptIsDamage(Result<T> result) {
  if (result || result.error().code() != ErrorCode::kCorrupt) return result;
  return Fail(ErrorCode::kDamaged, "{}", result.error().message());
}

Status ShowContent(const Options& options, std::shared_ptr<const io::PosixFile> file,
                   const format::Manifest& manifest, const Globals& globals, Output& output) {
  const verity::Layout layout{.image_size = manifest.image_size,
                              .tree_offset = manifest.tree_offset,
                              .tree_size = manifest.tree_size,
                              .root_hash = manifest.root_hash};
  auto cache = std::make_shared<verity::BlockCache>(kCacheBytes);
  VENEER_ASSIGN(std::shared_ptr<const verity::VerifiedReader> reader,
                CorruptIsDamage(verity::VerifiedReader::Open(std::move(file), layout, std::move(cache), 1)));
  if (options.verify) VENEER_TRY(ShowBlockCheck(reader, globals, output));
  if (options.tree) {
    VENEER_ASSIGN(const erofs::Image image, CorruptIsDamage(erofs::Image::Open(reader)));
    VENEER_TRY(ShowTree(image, output));
  }
  return {};
}

Status Inspect(const Options& options, const Globals& globals, Output& output) {
  output.SetLayer(options.file);
  VENEER_ASSIGN(const auto file, OpenLayerFile(options.file));
  VENEER_ASSIGN(const auto trust, FindTrust(globals));
  VENEER_ASSIGN(const JudgedManifest judged, JudgeLayerFile(*file, trust.get(), io::SystemClock().Now()));
  output.SetLayer(judged.claim.id);
  ShowManifest(*file, judged, trust.get(), output);

  // What a refused signature covers is not looked at, unless time is all that is against it.
  const bool look_inside = judged.authentic || !judged.refusal;
  if (look_inside && (options.tree || options.verify)) {
    VENEER_TRY(ShowContent(options, file, judged.claim.manifest, globals, output));
  }
  if (judged.refusal) return tl::unexpected(*judged.refusal);
  return {};
}

}  // namespace

Action AddInspect(CLI::App& verb) {
  verb.description("Show a layer file: its manifest, its signers, its sizes");
  auto options = std::make_shared<Options>();
  verb.add_option("FILE", options->file, "Layer file")->required();
  verb.add_flag("--tree", options->tree, "List what is in it");
  verb.add_flag("--verify", options->verify, "Check every block");
  verb.footer(
      "The signature is judged by the trust folder of --trust, which comes before the verb, or the store's.");
  return [options](const Globals& globals, Output& output) { return Inspect(*options, globals, output); };
}

}  // namespace veneer::tools
