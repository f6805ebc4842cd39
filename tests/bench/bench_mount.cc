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
#include "fs/io/process.h"
#include "tests/support/pattern.h"

namespace veneer {
namespace {

namespace stdfs = std::filesystem;
using Words = std::vector<std::string>;

constexpr int kFilesInFolder = 100;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "bench_mount: %s\n", what.c_str());
  std::exit(1);
}

void Check(const Status& status) {
  if (!status) Die(status.error().message());
}

void Run(const Words& words) {
  Check(io::RunProgram(words));
}

double Milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Files of 1 to 16 KiB, a hundred in each folder.
void MakeTree(const std::string& path, int files) {
  for (int i = 0; i < files; ++i) {
    const std::string folder = fmt::format("{}/d{}/e{}", path, i / (kFilesInFolder * 20), i / kFilesInFolder);
    if (i % kFilesInFolder == 0) stdfs::create_directories(folder);
    const Bytes bytes =
        test::Pattern(1024 + test::Scramble(static_cast<uint64_t>(i)) % 15360, static_cast<uint64_t>(i));
    std::ofstream(fmt::format("{}/file{}", folder, i), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

// A store with a base of `files` files and, if wanted, an active patch of 1,000 of them.
class Store {
 public:
  Store(const std::string& folder, int files, bool patched) : folder_(folder) {
    stdfs::create_directories(folder);
    MakeTree(folder_ / "tree", files);
    Veneer({"keygen", folder_ / "keys"});
    for (const char* role : {"base.d", "patch.d"}) {
      stdfs::create_directories(folder_ / "trust" / role);
      stdfs::copy_file(folder_ / "keys/ca.pem", folder_ / "trust" / role / "ca.pem");
    }
    Veneer({"seal", folder_ / "tree", "-o", base(), "--id", "bench", "--version", "1"}, true);
    Veneer({"init", "--trust", folder_ / "trust"});
    Veneer({"install", base(), "--activate"});
    if (patched) Patch(files);
    stdfs::remove_all(folder_ / "tree");
    for (const char* name : {"veneer", "erofs", "upper", "overlay"})
      stdfs::create_directories(folder_ / name);
  }
  ~Store() {
    Unmount();
    stdfs::remove_all(folder_);
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void Mount() {
    Veneer({"mount", folder_ / "veneer"});
    MountKernel(base(), "erofs");
    if (!stdfs::exists(patch())) return;
    MountKernel(patch(), "upper");
    const std::string options =
        fmt::format("lowerdir={}:{}", (folder_ / "upper").string(), (folder_ / "erofs").string());
    if (::mount("overlay", (folder_ / "overlay").c_str(), "overlay", MS_RDONLY, options.c_str()) != 0)
      Die(fmt::format("overlay: errno {}", errno));
  }

  void Unmount() {
    for (const char* name : {"overlay", "upper", "erofs", "veneer"})
      ::umount2((folder_ / name).c_str(), MNT_DETACH);
    while (!Status()["mounts"].empty()) ::usleep(1000);
  }

  void Veneer(Words words, bool signing = false) {
    words.insert(words.begin(), {VENEER_PROGRAM, "--quiet", "--store", folder_ / "store"});
    if (signing)
      words.insert(words.end(),
                   {"--key", folder_ / "keys/signer.key", "--cert", folder_ / "keys/signer.pem"});
    Run(words);
  }

  nlohmann::json Status() {
    const std::string file = folder_ / "status.json";
    Run({"sh", "-c",
         fmt::format("'{}' --json --store '{}' status > '{}'", VENEER_PROGRAM, (folder_ / "store").string(),
                     file)});
    return nlohmann::json::parse(std::ifstream(file));
  }

  std::string operator/(const std::string& name) const { return folder_ / name; }

 private:
  std::string base() const { return folder_ / "base.layer"; }
  std::string patch() const { return folder_ / "patch.layer"; }

  void Patch(int files) {
    for (int i = 0; i < files; i += std::max(1, files / 1000)) {
      std::ofstream(fmt::format("{}/d{}/e{}/file{}", (folder_ / "tree").string(), i / (kFilesInFolder * 20),
                                i / kFilesInFolder, i),
                    std::ios::app)
          << "patched";
    }
    Veneer(
        {"patch", folder_ / "tree", "-o", patch(), "--base", base(), "--component", "c", "--sequence", "1"},
        true);
    Veneer({"install", patch(), "--activate"});
  }

  void MountKernel(const std::string& layer, const char* name) {
    if (::mount(layer.c_str(), (folder_ / name).c_str(), "erofs", MS_RDONLY, "") != 0)
      Die(fmt::format("{}: errno {}", layer, errno));
  }

  stdfs::path folder_;
};

void DropCaches() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
}

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
  std::printf("%-44s %9.1f ms %9.1f ms   %5.2f  (%.2f to %.2f)\n", what, Median(a), Median(b), Median(ratios),
              *least, *most);
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
  Store store(folder, files, true);
  store.Mount();
  std::printf(
      "%d files, 1,000 patched                           Veneer      kernel   speed ratio (least to "
      "most)\n",
      files);
  const auto fresh = [&] {
    store.Unmount();
    DropCaches();
    store.Mount();
  };
  const auto nothing = [] {};
  const std::string veneer = store / "veneer";
  const std::string overlay = store / "overlay";
  Compare(
      "cold walk with stat, beside EROFS", rounds, fresh, [&] { Walk(veneer); },
      [&] { Walk(store / "erofs"); });
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
  const auto status = store.Status();
  const int worker = status["mounts"][0]["worker_pid"];
  PrintMemory(worker);
}

// From the start of `veneer mount` until the first stat in it is answered, beside the start of a process.
void MeasureMounting(const std::string& folder, int rounds) {
  double small = 0;
  for (const int files : {100, 200000}) {
    Store store(folder, files, false);
    std::vector<double> mounting;
    std::vector<double> starting;
    struct stat st {};
    for (int i = 0; i < rounds * 3; ++i) {
      starting.push_back(Milliseconds([&] { store.Veneer({"--version"}); }));
      mounting.push_back(Milliseconds([&] {
        store.Veneer({"mount", store / "veneer"});
        if (::stat((store / "veneer/d0/e0/file0").c_str(), &st) != 0) Die("first stat");
      }));
      store.Unmount();
    }
    std::printf("mount and first stat, %6d files: %.1f ms; a process's start: %.1f ms\n", files,
                Median(mounting), Median(starting));
    if (small == 0) small = Median(mounting);
    if (files > 100) std::printf("ratio: %.2f\n", Median(mounting) / small);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace veneer

int main(int argc, char** argv) {
  const int files = argc > 1 ? std::atoi(argv[1]) : 60000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  const auto folder = veneer::io::TemporaryFolder::Create("/var/tmp");
  if (!folder) veneer::Die(folder.error().message());
  veneer::MeasureReads(folder->path() + "/reads", files, rounds);
  veneer::MeasureMounting(folder->path() + "/mounting", rounds);
}
