// Sealing that cannot be done: one clear error, and nothing left behind.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fs/io/file_ops.h"
#include "fs/layer/image_check.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/scoped_cancel.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A program `mkfs.erofs` of our own, first along PATH for as long as this lives.
class FakeMkfs {
 public:
  // `script`: of sh(1), with $real the real one.
  FakeMkfs(const LayerFixture& fixture, const std::string& script) : path_(std::getenv("PATH")) {
    REQUIRE_OK(io::MakeFolders(fixture.At("bin")));
    WriteFile(fixture.At("bin/mkfs.erofs"),
              "#!/bin/sh\nPATH='" + path_ + "'\nreal=$(command -v mkfs.erofs)\n" + script);
    REQUIRE(::chmod(fixture.At("bin/mkfs.erofs").c_str(), 0755) == 0);
    ::setenv("PATH", fixture.At("bin").c_str(), 1);
  }
  ~FakeMkfs() { ::setenv("PATH", path_.c_str(), 1); }
  FakeMkfs(const FakeMkfs&) = delete;
  FakeMkfs& operator=(const FakeMkfs&) = delete;

 private:
  std::string path_;
};

// REQUIREs that sealing fails so, that the message says `words`, and that nothing is left in the output's
// folder.
void RequireRefused(const Result<layer::SealResult>& result, ErrorCode code, const std::string& words,
                    const std::string& folder) {
  REQUIRE_FAILS(code, result);
  INFO(result.error().message());
  CHECK(result.error().message().find(words) != std::string::npos);
  CHECK(result.error().message().find('\n') == std::string::npos);
  if (stdfs::exists(folder)) CHECK(stdfs::is_empty(folder));
}

struct Sealing {
  Sealing() {
    MakeSmallTree(tree);
    REQUIRE_OK(io::MakeFolders(folder));
  }

  LayerFixture fixture;
  std::string tree = fixture.At("tree");
  std::string folder = fixture.At("out");
  std::string output = folder + "/layer";
};

TEST_CASE("an output that is there is left alone") {
  const Sealing s;
  WriteFile(s.output, "mine");
  REQUIRE_FAILS(ErrorCode::kExists, s.fixture.SealBase(s.tree, s.output));
  CHECK(AsText(ReadFile(s.output)) == "mine");
  stdfs::remove(s.output);
  stdfs::create_symlink("nowhere", s.output);
  REQUIRE_FAILS(ErrorCode::kExists, s.fixture.SealBase(s.tree, s.output));
}

TEST_CASE("trees and outputs that are not there") {
  const Sealing s;
  RequireRefused(s.fixture.SealBase(s.fixture.At("missing"), s.output), ErrorCode::kNotFound,
                 "/missing: No such", s.folder);
  RequireRefused(s.fixture.SealBase(s.tree + "/a", s.output), ErrorCode::kUsage, "/a: not a folder",
                 s.folder);
  RequireRefused(s.fixture.SealBase(s.tree, s.fixture.At("no/where/layer")), ErrorCode::kNotFound,
                 "no/where/layer: No such", s.fixture.At("no"));
}

TEST_CASE("an output in the tree") {
  const Sealing s;
  RequireRefused(s.fixture.SealBase(s.tree, s.tree + "/layer"), ErrorCode::kUsage, "lies in the tree",
                 s.folder);
  RequireRefused(s.fixture.SealBase(s.tree, s.tree + "/folder/../folder/layer"), ErrorCode::kUsage,
                 "lies in the tree", s.folder);
  CHECK(stdfs::directory_iterator(s.tree) != stdfs::directory_iterator());
  REQUIRE_OK(io::MakeFolders(s.tree + "-2"));
  REQUIRE_OK(s.fixture.SealBase(s.tree, s.tree + "-2/layer"));
}

TEST_CASE("a manifest that no reader would take") {
  const Sealing s;
  format::Manifest manifest = PatchManifest();
  manifest.component = "No Such Word";
  RequireRefused(layer::Seal(s.tree, s.output, manifest, s.fixture.patch_keys().signers, {}),
                 ErrorCode::kUsage, "component", s.folder);
}

TEST_CASE("no mkfs.erofs") {
  const Sealing s;
  const FakeMkfs fake(s.fixture, "");
  stdfs::remove(s.fixture.At("bin/mkfs.erofs"));
  RequireRefused(s.fixture.SealBase(s.tree, s.output), ErrorCode::kNotFound, "apt-get install erofs-utils",
                 s.folder);
}

TEST_CASE("mkfs.erofs fails") {
  const Sealing s;
  SECTION("with its own words") {
    const FakeMkfs fake(s.fixture, "echo '<E> erofs: something odd' >&2; exit 1");
    RequireRefused(s.fixture.SealBase(s.tree, s.output), ErrorCode::kFailed, "something odd", s.folder);
  }
  SECTION("for want of room") {
    const FakeMkfs fake(
        s.fixture,
        "printf '\\tCould not format the device : [Error 28] No space left on device\\n\\n' >&2; exit 1");
    RequireRefused(s.fixture.SealBase(s.tree, s.output), ErrorCode::kNoSpace, "no room for the image",
                   s.folder);
  }
}

TEST_CASE("mkfs.erofs loses a write and says nothing") {
  const Sealing s;
  // The image ends with blocks of folder/large: the last one reads as zeros then.
  const FakeMkfs fake(
      s.fixture,
      "\"$real\" \"$@\" || exit 1\n"
      "for image; do case $image in *.tmp-*) break;; esac; done\n"
      "size=$(stat -c %s \"$image\"); truncate -s $((size - 4096)) \"$image\"; truncate -s $size \"$image\"");
  RequireRefused(s.fixture.SealBase(s.tree, s.output), ErrorCode::kFailed,
                 "mkfs.erofs wrote an image with another", s.folder);
}

TEST_CASE("a stop that is asked for while mkfs.erofs runs") {
  const Sealing s;
  const FakeMkfs fake(s.fixture, "exec sleep 60");
  const ScopedCancel restored;
  SetCancelRequested(false);
  const auto stop = [](const char* stage, uint64_t, uint64_t) {
    if (std::string_view(stage) == "writing image") SetCancelRequested(true);
  };
  RequireRefused(s.fixture.SealBase(s.tree, s.output, stop), ErrorCode::kInterrupted, "interrupted",
                 s.folder);
}

TEST_CASE("mkfs.erofs writes no image") {
  const Sealing s;
  const FakeMkfs fake(s.fixture, "exit 0");
  RequireRefused(s.fixture.SealBase(s.tree, s.output), ErrorCode::kFailed,
                 "wrote an image that cannot be read", s.folder);
}

TEST_CASE("a tree that changes between scan and image") {
  const Sealing s;
  std::string path;
  const auto on_writing = [](auto change) {
    return [change, done = false](const char* stage, uint64_t, uint64_t) mutable {
      if (std::string_view(stage) != "writing image" || done) return;
      done = true;
      change();
    };
  };
  SECTION("content") {
    const auto seal = on_writing([&] { std::ofstream(s.tree + "/a") << "CONTENT OF A"; });
    RequireRefused(s.fixture.SealBase(s.tree, s.output, seal), ErrorCode::kBusy, "/a: changed while",
                   s.folder);
  }
  SECTION("mode") {
    const auto seal = on_writing([&] { REQUIRE(::chmod((s.tree + "/a").c_str(), 0600) == 0); });
    RequireRefused(s.fixture.SealBase(s.tree, s.output, seal), ErrorCode::kBusy, "/a: changed while",
                   s.folder);
  }
  SECTION("a new file") {
    const auto seal = on_writing([&] { WriteFile(s.tree + "/folder/a-new", ""); });
    RequireRefused(s.fixture.SealBase(s.tree, s.output, seal), ErrorCode::kBusy, "/folder/a-new: appeared",
                   s.folder);
  }
  SECTION("a new file at the end") {
    const auto seal = on_writing([&] { WriteFile(s.tree + "/zzz", ""); });
    RequireRefused(s.fixture.SealBase(s.tree, s.output, seal), ErrorCode::kBusy, "/zzz: appeared", s.folder);
  }
  SECTION("a file that vanishes") {
    const auto seal = on_writing([&] { stdfs::remove(s.tree + "/folder/b"); });
    RequireRefused(s.fixture.SealBase(s.tree, s.output, seal), ErrorCode::kBusy, "/folder/b: changed while",
                   s.folder);
  }
}

TEST_CASE("a name of 255 bytes is sealed or refused by name") {
  const Sealing s;
  const std::string name(255, 'n');
  WriteFile(s.fixture.At("content"), "x");
  stdfs::rename(s.fixture.At("content"), s.tree + "/" + name);
  const auto result = s.fixture.SealBase(s.tree, s.output);
  if (result) {  // mkfs.erofs 1.8 and later
    REQUIRE_OK(s.fixture.Open(s.output));
  } else {
    RequireRefused(result, ErrorCode::kFailed, name + ": mkfs.erofs before 1.8", s.folder);
  }
}

}  // namespace
}  // namespace veneer::test
