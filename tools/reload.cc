#include <CLI/CLI.hpp>
#include <memory>

#include "fs/base/cancel.h"
#include "fs/catalog/catalog_lock.h"
#include "fs/fuse/activation.h"
#include "tools/mount_command.h"
#include "tools/output.h"
#include "tools/store_change.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr std::chrono::seconds kPatience{30};

Status Reload(const std::string& dir, const Globals& globals, Output& output) {
  std::string wanted = dir;
  if (auto absolute = AbsolutePath(dir); !dir.empty() && absolute) wanted = *absolute;
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  // No switch may come in between.
  VENEER_ASSIGN(const UniqueFd lock,
                catalog::HoldCatalog(store.catalog_path(), kPatience, WaitNotice(globals)));
  VENEER_ASSIGN(auto mounts, fuse::FindLiveMounts(store.identity()));
  Json list = Json::array();
  for (fuse::LiveMount& mount : mounts) {
    const std::string target = mount.dir();
    if (!wanted.empty() && target != wanted) continue;
    VENEER_TRY(CheckCancel());
    if (Status taken = TakeOverAndServe(std::move(mount.channel), lock); !taken)
      return tl::unexpected<Error>(taken.error().Within(target));
    output.Note("{}: reloaded", target);
    list.push_back(ToUtf8(target));
  }
  output.json() = {{"reloaded", list}};
  if (list.empty()) {
    return Fail(ErrorCode::kNotFound, "{}: {}; run: veneer status", wanted.empty() ? globals.store : wanted,
                wanted.empty() ? "is not mounted" : "no mount of this store is there");
  }
  return {};
}

}  // namespace

Action AddReload(CLI::App& verb) {
  verb.description("Put this program under the live mounts, in place of the one that serves them");
  auto dir = std::make_shared<std::string>();
  verb.add_option("DIR", *dir, "Mount point (default: all mounts of the store)");
  return [dir](const Globals& globals, Output& output) { return Reload(*dir, globals, output); };
}

}  // namespace veneer::tools
