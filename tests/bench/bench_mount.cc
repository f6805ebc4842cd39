// Measures a live mount beside the kernel's own file systems on the very same layer files: mounting against
// the size of the image; cold walks beside kernel EROFS; warm walks, stats, opens with a read, and listings
// beside kernel overlayfs; the server's memory. Each figure is the median of some rounds, and the ratio the
// median of the ratios of each round, in which both take turns. usage: bench_mount [FILES] [ROUNDS] (default
// 60000 and 7; as root; drops the machine's caches; some GB in /var/tmp)
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fs/base/unique_fd.h"
#include "fs/io/file_ops.h"
#include "tests/bench/bench_store.h"
#include "tests/bench/measure.h"

namespace veneer::bench {
namespace {

namespace stdfs = std::filesystem;
using Words = std::vector<std::string>;

// A store mounted by Veneer, and its layer files by the kernel beside it.
class Rig {
 public:
  Rig(const std::string& folder, int files, int patched) : store_(folder, files, patched) {
    for (const char* name : {"erofs", "upper", "overlay"}) stdfs::create_directories(store_ / name);
    if (patched != 0) store_.Run({"activate"});
  }
  ~Rig() { UnmountKernel(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  const BenchStore& store() const { return store_; }
  std::string veneer() const { return store_.mount(); }
  std::string erofs() const { return store_ / "erofs"; }
  std::string overlay() const { return store_ / "overlay"; }

  // All anew, with nothing in the machine's caches.
  void StartCold() const {
    UnmountKernel();
    store_.Unmount();
    DropCaches();
    store_.Mount();
    MountErofs(store_.base(), "erofs");
    MountErofs(store_.patch(), "upper");
    const std::string options = fmt::format("lowerdir={}:{}", store_ / "upper", store_ / "erofs");
    if (::mount("overlay", overlay().c_str(), "overlay", MS_RDONLY, options.c_str()) != 0)
      Die(fmt::format("overlay: errno {}", errno));
  }

 private:
  static void DropCaches() {
    ::sync();
    std::ofstream("/proc/sys/vm/drop_caches") << 3;
  }

  void MountErofs(const std::string& layer, const char* name) const {
    if (::mount(layer.c_str(), (store_ / name).c_str(), "erofs", MS_RDONLY, "") != 0)
      Die(fmt::format("{}: errno {}", layer, errno));
  }

  void UnmountKernel() const {
    for (const char* name : {"overlay", "upper", "erofs"}) ::umount2((store_ / name).c_str(), MNT_DETACH);
  }

  BenchStore store_;
};

// All below `root`: folders and files apart. Each is asked for its attributes, as find(1) and du(1) do.
struct Paths {
  Words folders;
  Words files;
};

void Walk(const std::string& root, Paths* found = nullptr) {
  DIR* folder = ::opendir(root.c_str());
  if (folder == nullptr) Die(root + ": cannot be listed");
  Words below;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat st {};
    if (::fstatat(::dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) Die(root + "/" + name);
    if (S_ISDIR(st.st_mode)) below.push_back(root + "/" + name);
    if (found != nullptr) (S_ISDIR(st.st_mode) ? found->folders : found->files).push_back(root + "/" + name);
  }
  ::closedir(folder);
  for (const std::string& path : below) Walk(path, found);
}

void StatAll(const Words& files) {
  struct stat st {};
  for (const std::string& path : files) {
    if (::stat(path.c_str(), &st) != 0) Die(path);
  }
}

void ReadAll(const Words& files) {
  static char buffer[1 << 16];
  for (const std::string& path : files) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::read(fd.get(), buffer, sizeof buffer) <= 0) Die(path);
  }
}

void ListAll(const Words& folders) {
  for (const std::string& path : folders) {
    DIR* folder = ::opendir(path.c_str());
    while (::readdir(folder) != nullptr) continue;
    ::closedir(folder);
  }
}

// Runs `ours` and `theirs` in turns and prints their medians.
void Compare(const char* what, int rounds, const std::function<void()>& before,
             const std::function<void()>& ours, const std::function<void()>& theirs) {
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;  // of speeds: above 1, Veneer is faster
  for (int i = 0; i < rounds; ++i) {
    before();
    a.push_back(Milliseconds(ours));
    before();
    b.push_back(Milliseconds(theirs));
    ratios.push_back(b.back() / a.back());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf("%-44s %9.1f ms %9.1f ms   %5.2f  (%.2f to %.2f)\n", what, Quantile(a), Quantile(b),
              Quantile(ratios), *least, *most);
  std::fflush(stdout);
}

// What the server with `pid` has in memory after all that, and open.
void PrintMemory(int pid) {
  const stdfs::path process = fmt::format("/proc/{}", pid);
  std::ifstream status(process / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS") || line.starts_with("VmHWM") || line.starts_with("RssAnon"))
      std::printf("%s\n", line.c_str());
  }
  const auto open = std::distance(stdfs::directory_iterator(process / "fd"), stdfs::directory_iterator());
  std::printf("open descriptors: %td\n", open);
}

void MeasureReads(const std::string& folder, int files, int rounds) {
  const Rig rig(folder, files, 1000);
  rig.StartCold();
  std::printf(
      "%d files, 1,000 patched                           Veneer      kernel   speed ratio (least to "
      "most)\n",
      files);
  const auto fresh = [&] { rig.StartCold(); };
  const auto nothing = [] {};
  const std::string veneer = rig.veneer();
  const std::string overlay = rig.overlay();
  Compare(
      "cold walk with stat, beside EROFS", rounds, fresh, [&] { Walk(veneer); }, [&] { Walk(rig.erofs()); });
  Compare(
      "cold walk with stat, beside overlayfs", rounds, fresh, [&] { Walk(veneer); }, [&] { Walk(overlay); });
  Paths ours;
  Paths theirs;
  Walk(veneer, &ours);
  Walk(overlay, &theirs);
  Compare(
      "cold open and read, beside overlayfs", std::min(rounds, 3), fresh, [&] { ReadAll(ours.files); },
      [&] { ReadAll(theirs.files); });
  for (int i = 0; i < 2; ++i) {
    Walk(veneer);
    Walk(overlay);
    ReadAll(ours.files);
    ReadAll(theirs.files);
  }
  Compare(
      "warm walk with stat, beside overlayfs", rounds, nothing, [&] { Walk(veneer); },
      [&] { Walk(overlay); });
  Compare(
      "warm stat, beside overlayfs", rounds, nothing, [&] { StatAll(ours.files); },
      [&] { StatAll(theirs.files); });
  Compare(
      "warm open and read, beside overlayfs", rounds, nothing, [&] { ReadAll(ours.files); },
      [&] { ReadAll(theirs.files); });
  Compare(
      "warm listing, beside overlayfs", rounds, nothing, [&] { ListAll(ours.folders); },
      [&] { ListAll(theirs.folders); });
  PrintMemory(rig.store().Json({"status"})["mounts"][0]["worker_pid"]);
}

// From the start of `veneer mount` until the first stat in it is answered, beside the start of a process.
void MeasureMounting(const std::string& folder, int rounds) {
  double small = 0;
  for (const int files : {100, 200000}) {
    const BenchStore store(folder, files, 0);
    std::vector<double> mounting;
    std::vector<double> starting;
    struct stat st {};
    for (int i = 0; i < rounds * 3; ++i) {
      starting.push_back(Milliseconds([&] { store.Run({"--version"}); }));
      mounting.push_back(Milliseconds([&] {
        store.Run({"mount", store.mount()});
        if (::stat((store.mount() + "/" + BenchStore::PathOf(0)).c_str(), &st) != 0) Die("first stat");
      }));
      store.Unmount();
    }
    std::printf("mount and first stat, %6d files: %.1f ms; a process's start: %.1f ms\n", files,
                Quantile(mounting), Quantile(starting));
    if (small == 0) small = Quantile(mounting);
    if (files > 100) std::printf("ratio: %.2f\n", Quantile(mounting) / small);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace veneer::bench

int main(int argc, char** argv) {
  const int files = argc > 1 ? std::atoi(argv[1]) : 60000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  const auto folder = veneer::io::TemporaryFolder::Create("/var/tmp");
  if (!folder) veneer::bench::Die(folder.error().message());
  veneer::bench::MeasureReads(folder->path() + "/reads", files, rounds);
  veneer::bench::MeasureMounting(folder->path() + "/mounting", rounds);
}
