#include "fs/core/stack_check.h"

#include <set>
#include <string>

#include "fs/catalog/catalog.h"

namespace veneer::core {
namespace {

tl::unexpected<Error> NoStack(const std::string& why) {
  return Fail(ErrorCode::kDamaged, "the layers of a generation are no stack: {}{}", why,
              catalog::kRepairCatalog);
}

}  // namespace

Status CheckStack(const std::vector<const format::Manifest*>& stack) {
  std::set<std::string> below;  // components
  for (size_t i = 0; i < stack.size(); ++i) {
    const format::Manifest* manifest = stack[i];
    const bool first = i == 0;
    if ((manifest->kind == format::LayerKind::kBase) != first) {
      return NoStack(
          fmt::format("{} is {}", manifest->name, first ? "its lowest and a patch" : "a second base"));
    }
    if (first) continue;
    for (const std::string& need : manifest->requires_components) {
      if (!below.contains(need)) {
        return NoStack(fmt::format("{} requires {}, which is not below it", manifest->name, need));
      }
    }
    if (!below.insert(manifest->component).second) {
      return NoStack(fmt::format("{} is there twice", manifest->component));
    }
  }
  return {};
}

}  // namespace veneer::core
