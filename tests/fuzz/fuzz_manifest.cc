// Any bytes are safe as a manifest or as a list of advisories, and what is accepted keeps what the rest of
// the program relies on, and says the same when it is written again.

#include "fs/base/bytes.h"
#include "fs/format/manifest.h"
#include "tests/fuzz/require.h"

using namespace veneer;

namespace {

void CheckPatch(const format::Manifest& manifest) {
  Require(format::IsComponentName(manifest.component) && manifest.sequence > 0 && !manifest.os);
  Require(manifest.applies_to && !manifest.applies_to->versions.empty());
  for (const std::string& component : manifest.requires_components) {
    Require(format::IsComponentName(component) && component != manifest.component);
  }
}

void CheckManifest(ByteSpan json) {
  const auto manifest = format::ParseManifest(json);
  if (!manifest) {
    const ErrorCode code = manifest.error().code();
    Require(code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupportedSchema);
    return;
  }
  Require(manifest->image_size > 0 && manifest->image_size % 4096 == 0);
  Require(manifest->tree_offset == manifest->image_size);
  Require(manifest->name.find('\0') == std::string::npos);
  if (manifest->kind == format::LayerKind::kBase) {
    Require(manifest->os && !manifest->applies_to && manifest->sequence == 0);
  } else {
    CheckPatch(*manifest);
  }
  const std::string text = format::WriteManifest(*manifest);
  const auto again = format::ParseManifest(AsBytes(text));
  Require(again && format::WriteManifest(*again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckManifest({data, size});
  const auto advisories = format::ParseAdvisories({data, size});
  Require(advisories || advisories.error().code() == ErrorCode::kCorrupt);
  return 0;
}
