#include <CLI/CLI.hpp>
#include <memory>

#include "fs/core/explain.h"
#include "fs/fuse/activation.h"
#include "fs/layer/image_content.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/stack_view.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string path;
  uint64_t generation = 0;  // 0: none is named
};

// What is asked: a path from the root of the tree, in a generation; 0 for the current one.
struct Question {
  std::string path;
  uint64_t generation = 0;
  std::vector<std::string> layers;  // of it, where it is what a mount shows
};

// A path that leads into a live mount of the store is taken to mean what is there, in the generation that the
// mount shows where no other is named.
Result<Question> QuestionOf(const StoreReading& reading, const Options& options) {
  VENEER_ASSIGN(const auto mounts, fuse::FindLiveMounts(reading.store.identity()));
  const std::string& path = options.path;
  size_t longest = 0;
  Question asked{path, options.generation, {}};
  for (const fuse::LiveMount& mount : mounts) {
    const std::string dir = mount.dir();
    if ((path != dir && !path.starts_with(dir + "/")) || dir.size() <= longest) continue;
    longest = dir.size();
    asked.path = path.substr(longest);
    if (options.generation != 0) continue;
    asked.generation = mount.generation();
    asked.layers = mount.layers();
  }
  return asked;
}

// One that waited and was dropped is not on record, and may be shown all the same.
Result<catalog::GenerationRecord> Generation(const catalog::Catalog& catalog, const Question& asked) {
  VENEER_ASSIGN(auto recorded, catalog.Generation(asked.generation));
  if (recorded || asked.layers.empty()) return FindGeneration(catalog, asked.generation);
  catalog::GenerationRecord shown;
  shown.number = asked.generation;
  shown.layers = asked.layers;
  return shown;
}

const char* WordOf(const core::LayerEntry& entry) {
  switch (entry.role) {
    case core::LayerEntry::Role::kGives:
      return "gives";
    case core::LayerEntry::Role::kMerges:
      return "merges";
    case core::LayerEntry::Role::kHides:
      return "hides";
    case core::LayerEntry::Role::kHidden:
      break;
  }
  return "hidden";
}

Json AdvisoriesOf(const format::Manifest& manifest) {
  Json list = Json::array();
  for (const format::Advisory& advisory : manifest.advisories) {
    list.push_back({{"id", ToUtf8(advisory.id)},
                    {"cves", advisory.cves},
                    {"severity", ToUtf8(advisory.severity)},
                    {"summary", ToUtf8(advisory.summary)}});
  }
  return list;
}

// One layer's entry as a line and as JSON; content is read, verified and hashed.
Result<Json> ShowEntry(const core::LayerEntry& entry, const StackView& stack, Output& output) {
  const layer::Layer& layer = *stack.layers[entry.layer];
  Json json = {{"layer", layer.id()},
               {"name", layer.manifest().name},
               {"role", WordOf(entry)},
               {"kind", KindOf(entry.inode)},
               {"inode", core::MakeNodeId(layer.slot(), entry.inode.nid)}};
  std::string what = KindOf(entry.inode);
  if (entry.opaque) what = "opaque folder";
  if (entry.inode.IsRegular()) {
    VENEER_ASSIGN(const Digest digest, layer::HashContent(layer.image(), entry.inode, nullptr));
    json["size"] = entry.inode.size;
    json["sha256"] = ToHex(digest);
    what += fmt::format(" of {}, sha256 {}", SizeText(entry.inode.size), ToHex(digest));
  } else if (entry.inode.IsSymlink()) {
    VENEER_ASSIGN(const std::string target, layer.image().ReadLink(entry.inode));
    json["target"] = ToUtf8(target);
    what += " to " + target;
  }
  if (entry.role == core::LayerEntry::Role::kHidden) {
    const layer::Layer& above = *stack.layers[entry.hidden_by];
    json["hidden_by"] = above.id();
    json["hidden_at"] = "/" + ToUtf8(entry.hidden_at);
    what += fmt::format(" (under {} at /{})", above.manifest().name, entry.hidden_at);
  }
  output.Line("  {:<6}  {}: {}", WordOf(entry), layer.manifest().name, what);
  return json;
}

// What the layer that decides over the path says for itself.
void ShowAnswer(const layer::Layer& layer, Output& output) {
  output.json()["advisories"] = AdvisoriesOf(layer.manifest());
  for (const format::Advisory& advisory : layer.manifest().advisories) {
    std::string cves;
    for (const std::string& cve : advisory.cves) cves += (cves.empty() ? ": " : ", ") + cve;
    output.Line("answers {} ({}){}", advisory.id, advisory.severity, cves);
  }
}

Status Why(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const StoreReading reading, OpenForReading(globals));
  VENEER_ASSIGN(const Question asked, QuestionOf(reading, options));
  VENEER_ASSIGN(const auto generation, Generation(*reading.catalog, asked));
  VENEER_ASSIGN(const StackView stack, OpenStackView(reading, generation.layers, generation.number));
  VENEER_ASSIGN(const std::string path, core::ResolveFolders(*stack.view, asked.path));
  VENEER_ASSIGN(const auto entries, core::Explain(*stack.view, path));
  output.json() = {{"path", "/" + ToUtf8(path)}, {"generation", generation.number}};
  if (entries.empty())
    return Fail(ErrorCode::kNotFound, "/{}: no layer of generation {} has it", path, generation.number);
  const core::LayerEntry& first = entries.front();
  const bool shown = first.role == core::LayerEntry::Role::kGives;
  output.json()["shown"] = shown;
  if (shown) output.json()["layer"] = stack.layers[first.layer]->id();
  const bool decides = first.role != core::LayerEntry::Role::kHidden;
  output.Line("/{} in generation {}: {}", path, generation.number, shown ? KindOf(first.inode) : "absent");
  Json list = Json::array();
  for (const core::LayerEntry& entry : entries) {
    VENEER_ASSIGN(Json json, ShowEntry(entry, stack, output));
    list.push_back(std::move(json));
  }
  output.json()["entries"] = std::move(list);
  ShowAnswer(*stack.layers[decides ? first.layer : first.hidden_by], output);
  return {};
}

}  // namespace

Action AddWhy(CLI::App& verb) {
  verb.description("Show which layer gives a path, and what the others have there");
  auto options = std::make_shared<Options>();
  verb.add_option("PATH", options->path, "From the root of the tree, or in a mount of the store")->required();
  verb.add_option("--generation", options->generation, "Instead of the current one, or of the mount's")
      ->type_name("N")
      ->check(WholeNumber(1));
  return [options](const Globals& globals, Output& output) { return Why(*options, globals, output); };
}

}  // namespace veneer::tools
