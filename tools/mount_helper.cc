// mount.veneer: what mount(8) runs for `mount -t veneer STORE DIR -o OPTIONS`, and so for fstab.
//
// usage: mount.veneer STORE DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS]

#include <sys/mount.h>
#include <unistd.h>

#include <charconv>
#include <climits>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "tools/exit_status.h"
#include "tools/hint.h"
#include "tools/interrupt.h"
#include "tools/mount_command.h"
#include "tools/no_memory.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

struct Words {
  std::vector<std::string> places;  // STORE, DIR
  std::string options;
  bool fake = false;    // -f: do everything but mount
  bool sloppy = false;  // -s: pass over options that are not known
};

Result<Words> ParseWords(int argc, char** argv) {
  Words words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-o" || word == "-N" || word == "-t") {
      if (++i == argc) return Fail(ErrorCode::kUsage, "{} wants a value", word);
      if (word == "-o") words.options += std::string(words.options.empty() ? "" : ",") + argv[i];
    } else if (word.size() > 1 && word.front() == '-') {
      words.fake = words.fake || word.find('f') != std::string_view::npos;
      words.sloppy = words.sloppy || word.find('s') != std::string_view::npos;
    } else {
      words.places.emplace_back(word);
    }
  }
  if (words.places.size() != 2) {
    return Fail(ErrorCode::kUsage,
                "usage: mount.veneer STORE DIR [-o generation=N,trust=DIR,threads=N,cache=BYTES,"
                "on-corruption=eio|panic]");
  }
  return words;
}

template <typename T>
Result<T> Number(std::string_view key, std::string_view text, T least, T most) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return Fail(ErrorCode::kUsage, "{}={}: a number from {} to {} is wanted", key, text, least, most);
  }
  return value;
}

// What mount(8) and fstab say to every file system. "rw" comes by default; the tree is sealed all the same.
bool IsGeneral(std::string_view key) {
  for (const std::string_view known :
       {"ro", "rw", "defaults", "auto", "noauto", "nofail", "_netdev", "nouser", "owner", "group", "suid",
        "dev", "exec", "relatime", "noatime", "async", "sync"}) {
    if (key == known) return true;
  }
  return key.starts_with("x-") || key.starts_with("X-") || key.starts_with("comment=");
}

// What the administrator may take away from programs on the mount; 0 for any other word. `user` implies all
// three.
unsigned long FlagOf(std::string_view option) {
  if (option == "nosuid") return MS_NOSUID;
  if (option == "nodev") return MS_NODEV;
  if (option == "noexec") return MS_NOEXEC;
  if (option == "user" || option == "users") return MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return 0;
}

Status ApplyOption(std::string_view option, bool sloppy, fuse::MountOptions& server) {
  const size_t equals = option.find('=');
  const std::string_view key = option.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
  if (option.empty() || IsGeneral(option)) return {};
  if (const unsigned long flag = FlagOf(option); flag != 0) {
    server.mount_flags |= flag;
    return {};
  }
  if (key == "generation") {
    VENEER_ASSIGN(server.generation, Number<uint64_t>(key, value, 1, UINT64_MAX));
  } else if (key == "trust") {
    server.trust = value;
  } else if (key == "threads") {
    VENEER_ASSIGN(server.threads, Number<unsigned>(key, value, 2, fuse::kMaxThreads));
  } else if (key == "cache") {
    VENEER_ASSIGN(server.cache_bytes, Number<size_t>(key, value, 0, size_t{1} << 40));
  } else if (key == "on-corruption" && (value == "eio" || value == "panic")) {
    server.panic_on_corruption = value == "panic";
  } else if (!sloppy) {
    return Fail(ErrorCode::kUsage, "option {} is not known; see mount.veneer(8)", option);
  }
  return {};
}

Status Mount(const Words& words) {
  fuse::MountOptions server;
  server.store = words.places[0];
  VENEER_ASSIGN(server.target, MountPoint(words.places[1]));
  std::string_view rest = words.options;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    VENEER_TRY(ApplyOption(rest.substr(0, comma), words.sloppy, server));
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  if (words.fake) return {};
  return MountAndServe(std::move(server), {}, false);
}

}  // namespace
}  // namespace veneer::tools

int main(int argc, char** argv) {
  using namespace veneer::tools;  // NOLINT: the program is theirs
  PrepareForNoMemory("mount.veneer");
  CatchInterrupts();
  const auto words = Guarded([&] { return ParseWords(argc, argv); });
  const veneer::Status status =
      words ? Guarded([&] { return Mount(*words); }) : tl::unexpected(words.error());
  if (status) return 0;
  const std::string message = NameStore(status.error().message(), words ? words->places[0] : "");
  fmt::print(stderr, "mount.veneer: {}\n", Printable(message));
  return ExitStatusOf(status.error().code());
}
