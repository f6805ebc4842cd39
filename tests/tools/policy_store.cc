#include "tests/tools/policy_store.h"

#include <algorithm>
#include <filesystem>

namespace veneer::test {

namespace stdfs = std::filesystem;

PolicyStore::PolicyStore() {
  const std::string file = shop.Sealed();
  Json({"init", "--trust", shop.trust()});
  base = Json({"install", file, "--activate"}).at("installed").at(0).at("id");
}

CommandResult PolicyStore::Run(std::vector<std::string> words) const {
  words.insert(words.begin(), {"--store", path()});
  return Veneer(words);
}

nlohmann::json PolicyStore::Json(std::vector<std::string> words, int status) const {
  words.insert(words.begin(), {"--store", path()});
  return VeneerJson(words, status);
}

void PolicyStore::RequireRefusal(const std::vector<std::string>& words, const std::string& code) const {
  CHECK(Json(words, 4).at("error").at("code") == code);
}

std::string PolicyStore::Patch(const std::string& name, const std::string& component, unsigned sequence,
                               const std::vector<std::string>& more) const {
  return PatchWith(name, component, sequence, {"usr/lib/" + component, "", more});
}

std::string PolicyStore::PatchWith(const std::string& name, const std::string& component, unsigned sequence,
                                   const PatchOptions& options) const {
  const std::string tree = shop / ("tree-" + name);
  REQUIRE(RunCommand({"cp", "-a", shop.tree(), tree}).status == 0);
  stdfs::create_directories(stdfs::path(tree + "/" + options.changed).parent_path());
  shop.Write("tree-" + name + "/" + options.changed, name);
  const std::string file = shop / (name + ".layer");
  const std::string keys = options.keys.empty() ? shop / "keys" : options.keys;
  std::vector<std::string> words = {"patch",       tree,
                                    "-o",          file,
                                    "--base",      options.base.empty() ? shop / "base.layer" : options.base,
                                    "--key",       keys + "/signer.key",
                                    "--cert",      keys + "/signer.pem",
                                    "--component", component,
                                    "--sequence",  std::to_string(sequence)};
  words.insert(words.end(), options.more.begin(), options.more.end());
  const CommandResult made = Veneer(words);
  INFO(made.err);
  REQUIRE(made.status == 0);
  return file;
}

std::string PolicyStore::Base(const std::string& version) const {
  const std::string file = shop / (version + ".layer");
  std::vector<std::string> words = shop.SealWords(file);
  *(std::find(words.begin(), words.end(), "--version") + 1) = version;
  const CommandResult made = Veneer(words);
  INFO(made.err);
  REQUIRE(made.status == 0);
  return file;
}

std::string PolicyStore::Withdraw(const std::string& name, const std::string& layer) const {
  const std::string file = shop / (name + ".withdrawal");
  const CommandResult made = Run({"withdraw", layer, "--reason", "it breaks things", "-o", file, "--key",
                                  shop.key(), "--cert", shop.certificate()});
  INFO(made.err);
  REQUIRE(made.status == 0);
  return file;
}

std::string PolicyStore::Install(const std::string& file) const {
  return Json({"install", file}).at("installed").at(0).at("id");
}

std::vector<std::string> PolicyStore::Current() const {
  std::vector<std::string> ids;
  const auto status = Json({"status"});
  for (const auto& layer : status.at("layers")) ids.push_back(layer.at("id"));
  return ids;
}

}  // namespace veneer::test
