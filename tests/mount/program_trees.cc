#include "tests/mount/program_trees.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/run_command.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// The table makes the library so long that most of its pages are read only when they are asked for.
constexpr const char* kLibrary = R"(
#define TEN(x) x, x, x, x, x, x, x, x, x, x
static const int table[100000] = {TEN(TEN(TEN(TEN(TEN(TREE)))))};
int generation(void) {
  for (unsigned i = 1; i < sizeof table / sizeof *table; ++i)
    if (((volatile const int*)table)[i] != table[0]) return -1;
  return table[0];
}
)";

constexpr const char* kProgram = R"(
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
int generation(void);
static const char build[] __attribute__((used)) = "built for tree " BUILD;
int main(int argc, char** argv) {
  int in = open(argv[1], O_RDONLY), out = open(argv[2], O_WRONLY);
  char byte;
  (void)argc;
  while (read(in, &byte, 1) == 1) dprintf(out, "%d %d\n", generation(), getpid());
  return 0;
}
)";

void Shell(const std::string& script) {
  const CommandResult result = RunCommand({"sh", "-ec", script});
  INFO(script << "\n" << result.err);
  REQUIRE(result.status == 0);
}

void Write(const std::string& path, const std::string& content) {
  stdfs::create_directories(stdfs::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

void Compile(const std::string& root, const std::string& place, int tree, bool program) {
  Write(root + "/lib.c", kLibrary);
  Write(root + "/prog.c", kProgram);
  Shell(
      fmt::format("mkdir -p '{0}/lib' '{0}/bin'; rm -f '{0}/lib/libgen.so'; "
                  "cc -O1 -shared -fPIC -DTREE={1} -o '{0}/lib/libgen.so' '{2}/lib.c'",
                  place, tree, root));
  if (!program) return;
  Shell(
      fmt::format("rm -f '{0}/bin/prog'; cc -O1 '-DBUILD=\"{1}\"' -o '{0}/bin/prog' '{2}/prog.c' "
                  "-L'{0}/lib' -lgen '-Wl,-rpath,$ORIGIN/../lib'",
                  place, tree, root));
}

}  // namespace

std::string BigContent(int tree) {
  std::string content;
  while (content.size() < 200 << 10) content += fmt::format("tree {} at {}\n", tree, content.size());
  return content;
}

void MakeProgramTrees(const std::string& root) {
  const auto text = [](int tree, const char* path) { return fmt::format("tree {} {}\n", tree, path); };
  constexpr mode_t kModes[] = {0755, 0700, 0711};
  for (int tree = 0; tree < 3; ++tree) {
    const std::string place = fmt::format("{}/t{}", root, tree);
    if (tree > 0) Shell(fmt::format("cp -a '{}/t{}' '{}'", root, tree - 1, place));
    Compile(root, place, tree, tree != 1);
    Write(place + "/data/big", BigContent(tree));
    if (tree == 0) {
      for (const char* path : {"gone/file", "attributes/file", "merges/same", "plain/file"})
        Write(place + "/" + path, text(0, path));
    } else {
      Write(place + "/new/file", text(tree, "new/file"));
      Write(place + "/merges/other", text(tree, "merges/other"));
    }
    if (tree == 1) stdfs::remove_all(place + "/gone");
    if (tree == 2) {
      Write(place + "/gone/file", text(2, "gone/file"));
      Write(place + "/new/late", text(2, "new/late"));
    }
    REQUIRE(::chmod((place + "/attributes").c_str(), kModes[tree]) == 0);
  }
}

}  // namespace veneer::test
