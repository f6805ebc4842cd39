#include <CLI/CLI.hpp>
#include <memory>

#include "fs/crypto/keygen.h"
#include "fs/io/clock.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string folder;
  std::string name = "Veneer development signer";
};

Status Keygen(const Options& options, Output& output) {
  VENEER_TRY(crypto::GenerateDevelopmentKeys(options.folder, options.name, io::SystemClock().Now()));
  const auto file = [&](const char* name) { return ToUtf8(options.folder + "/" + name); };
  output.json() = {{"ca", file("ca.pem")}, {"certificate", file("signer.pem")}, {"key", file("signer.key")}};
  output.Note("{0}: ca.pem (to be trusted), signer.pem and signer.key (to sign with)", options.folder);
  return {};
}

}  // namespace

Action AddKeygen(CLI::App& verb) {
  verb.description("Make a development CA and a signer");
  auto options = std::make_shared<Options>();
  verb.add_option("DIR", options->folder, "Folder that the files go to; made if it is not there")->required();
  verb.add_option("--name", options->name, "Common name of the signer")
      ->capture_default_str()
      ->type_name("CN");
  return [options](const Globals&, Output& output) { return Keygen(*options, output); };
}

}  // namespace veneer::tools
