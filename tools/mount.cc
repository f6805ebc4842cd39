#include <CLI/CLI.hpp>
#include <memory>

#include "tools/mount_command.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Options {
  std::string dir;
  uint64_t generation = 0;
  bool foreground = false;
  unsigned threads = 16;
  uint64_t cache = 16 << 20;
  std::string on_corruption = "eio";
};

Status Mount(const Options& options, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const std::string dir, MountPoint(options.dir));
  fuse::MountOptions server;
  server.store = globals.store;
  server.trust = globals.trust;
  server.target = dir;
  if (options.generation != 0) server.generation = options.generation;
  server.threads = options.threads;
  server.cache_bytes = options.cache;
  server.panic_on_corruption = options.on_corruption == "panic";
  VENEER_TRY(MountAndServe(std::move(server), globals.medium, options.foreground));
  output.json() = {{"dir", ToUtf8(dir)}};
  if (!options.foreground) output.Note("{}: mounted", dir);
  return {};
}

}  // namespace

Action AddMount(CLI::App& verb) {
  verb.description("Mount the current generation; the mount follows activate and revert");
  auto options = std::make_shared<Options>();
  verb.add_option("DIR", options->dir, "Mount point")->required();
  verb.add_option("--generation", options->generation, "Pin this generation: the mount never changes")
      ->check(WholeNumber(1));
  verb.add_flag("-f,--foreground", options->foreground, "Serve here until it is unmounted");
  verb.add_option("--threads", options->threads, "Threads that serve")
      ->check(WholeNumber(2, fuse::kMaxThreads))
      ->capture_default_str();
  verb.add_option("--cache", options->cache, "Bytes of verified hash and metadata blocks kept, e.g. 64M")
      ->transform(CLI::AsSizeValue(false));
  verb.add_option("--on-corruption", options->on_corruption, "What a damaged block does: eio or panic")
      ->check(CLI::IsMember({"eio", "panic"}))
      ->capture_default_str();
  return [options](const Globals& globals, Output& output) { return Mount(*options, globals, output); };
}

}  // namespace veneer::tools
