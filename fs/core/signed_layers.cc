#include "fs/core/signed_layers.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "fs/io/list_folder.h"

namespace veneer::core {
namespace {

// The order in which they must have been installed.
bool InstalledBefore(const FoundLayer& a, const FoundLayer& b) {
  const auto key = [](const FoundLayer& found) {
    const format::Manifest& manifest = found.signed_manifest.manifest;
    return std::tie(manifest.kind, manifest.created, manifest.sequence, found.signed_manifest.id);
  };
  return key(a) < key(b);
}

}  // namespace

bool TellsOfFile(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kNotFound:
    case ErrorCode::kUnsupported:
    case ErrorCode::kDamaged:
      return true;
    default:
      return IsRefusal(error.code());
  }
}

Result<FoundLayer> VerifyLayerFile(const catalog::Store& store, const std::string& name,
                                   const crypto::TrustStore& trust) {
  const std::string path = store.LayerPath(name);
  VENEER_ASSIGN(const auto file, io::PosixFile::Open(path));
  VENEER_ASSIGN(auto manifest, layer::ReadSignedManifest(*file, trust, crypto::TimeCheck::None()));
  if (name != manifest.id + ".layer") {
    return Fail(ErrorCode::kCorrupt, "{}: is layer {}, which is not its name", path, manifest.id);
  }
  return FoundLayer{std::move(manifest), name};
}

Result<FoundLayers> FindSignedLayers(const catalog::Store& store, const crypto::TrustStore& trust) {
  FoundLayers result;
  VENEER_ASSIGN(const auto names, io::ListFolder(store.layers_path()));
  for (const std::string& name : names) {
    auto found = VerifyLayerFile(store, name, trust);
    if (found) {
      result.layers.push_back(std::move(*found));
    } else if (TellsOfFile(found.error())) {
      result.passed_over.emplace(name, std::move(found).error());
    } else {
      return Fail(found.error().code(), "{}; try again, or move it away to go on without it",
                  found.error().message());
    }
  }
  std::sort(result.layers.begin(), result.layers.end(), InstalledBefore);
  return result;
}

}  // namespace veneer::core
