#include <CLI/CLI.hpp>
#include <memory>

#include "fs/catalog/store.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

Status Init(const std::string& trust, const Globals& globals, Output& output) {
  const std::string& from = trust.empty() ? globals.trust : trust;
  if (from.empty()) {
    return Fail(ErrorCode::kUsage, "a store needs a trust folder; run: veneer init --trust DIR");
  }
  VENEER_TRY(catalog::Store::Init(globals.store, from));
  output.json() = {{"store", ToUtf8(globals.store)}, {"trust", ToUtf8(globals.store + "/trust")}};
  output.Note("{}: a new store, with the trust of {}", globals.store, from);
  return {};
}

}  // namespace

Action AddInit(CLI::App& verb) {
  verb.description("Make a new store");
  auto trust = std::make_shared<std::string>();
  verb.add_option("--trust", *trust, "Trust folder that is copied into the store")->type_name("DIR");
  return [trust](const Globals& globals, Output& output) { return Init(*trust, globals, output); };
}

}  // namespace veneer::tools
