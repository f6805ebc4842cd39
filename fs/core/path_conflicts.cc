// Finding paths that two patches touch.

#include <algorithm>
#include <unordered_map>

#include "fs/core/stack_plan.h"
#include "fs/core/view.h"
#include "fs/erofs/overlay.h"
#include "fs/erofs/walk.h"

namespace veneer::core {
namespace {

// What a patch has at each of its paths: whether that only leads to what lies below it, or decides what is
// shown there.
using Touched = std::unordered_map<std::string, bool>;

// A folder that is not opaque merges, so two patches may both pass through it; and the root always does.
Result<Touched> TouchedBy(const layer::Layer& patch) {
  Touched touched;
  VENEER_TRY(erofs::Walk(
      patch.image(), [&](const std::string& path, erofs::Nid, const Result<erofs::Inode>& inode) -> Status {
        if (!inode) return tl::unexpected<Error>(inode.error());
        bool decides = !inode->IsFolder();
        if (!decides && !path.empty()) {
          VENEER_ASSIGN(decides, erofs::IsOpaque(patch.image(), *inode));
        }
        touched.emplace(path, decides);
        return {};
      }));
  return touched;
}

bool Requires(const layer::Layer& upper, const layer::Layer& lower) {
  const auto& needs = upper.manifest().requires_components;
  return std::find(needs.begin(), needs.end(), lower.manifest().component) != needs.end();
}

Status CompareTouched(const layer::Layer& upper, const Touched& above, const layer::Layer& lower,
                      const Touched& below) {
  if (Requires(upper, lower)) return {};
  for (const auto& [path, decides] : above) {
    const auto same = below.find(path);
    if (same != below.end() && (decides || same->second)) {
      return Fail(ErrorCode::kConflict, "{} and {} both change /{}, and neither requires the other",
                  upper.manifest().name, lower.manifest().name, path);
    }
  }
  return {};
}

}  // namespace

Status CheckPathConflicts(const std::vector<std::shared_ptr<const layer::Layer>>& stack) {
  std::vector<Touched> touched;
  for (size_t i = 1; i < stack.size(); ++i) {
    auto read = TouchedBy(*stack[i]);
    if (!read) return tl::unexpected<Error>(read.error().Within(stack[i]->manifest().name));
    Touched paths = std::move(*read);
    for (size_t j = 1; j < i; ++j) VENEER_TRY(CompareTouched(*stack[i], paths, *stack[j], touched[j - 1]));
    touched.push_back(std::move(paths));
  }
  return {};
}

}  // namespace veneer::core
