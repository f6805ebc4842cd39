// Measures a switch: what it costs against the size of the patch and of the image, and how long an open takes
// while switches go on beside how long it takes without them: an open of what the kernel has in its caches,
// and one that it has to ask the worker for, as it must once for each file that a switch changes. usage:
// bench_switch [FILES] [ROUNDS] (default 60000 and 9; as root; some GB in /var/tmp)
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "fs/base/unique_fd.h"
#include "fs/catalog/store.h"
#include "fs/fuse/activation.h"
#include "fs/io/file_ops.h"
#include "tests/bench/bench_store.h"
#include "tests/bench/measure.h"
#include "tests/support/pattern.h"

namespace veneer::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

void Open(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) Die(path + ": cannot be opened");
}

std::vector<std::string> AllPaths(const BenchStore& store, int files) {
  std::vector<std::string> paths;
  for (int i = 0; i < files; ++i) paths.push_back(store.mount() + "/" + BenchStore::PathOf(i));
  return paths;
}

// Switches there and back with the programs, all files being in the kernel's caches.
void MeasureCost(const std::string& folder, int files, int patched, int rounds) {
  const BenchStore store(folder, files, patched);
  store.Mount();
  const auto paths = AllPaths(store, files);
  std::vector<double> switching;
  std::vector<double> command;
  std::vector<double> waits;
  for (int i = 0; i < rounds; ++i) {
    for (const char* verb : {"activate", "revert"}) {
      for (const std::string& path : paths) Open(path);
      nlohmann::json answer;
      command.push_back(Milliseconds([&] { answer = store.Json({verb}); }));
      switching.push_back(answer["microseconds"].get<double>() / 1000);
      waits.push_back(answer["mounts"][0]["longest_wait_us"].get<double>() / 1000);
    }
  }
  std::printf(
      "%7d files, %6d patched: switch %8.2f ms (%.2f to %.2f), of which the kernel's longest step %.2f"
      " ms; command %8.2f ms\n",
      files, patched, Quantile(switching), Quantile(switching, 0), Quantile(switching, 1), Quantile(waits),
      Quantile(command));
  std::fflush(stdout);
}

// Switches through the library, so that the moments of begin and end are known to those who open.
class Switcher {
 public:
  explicit Switcher(const BenchStore& store) : store_(OpenStore(store)) {
    auto catalog = store_.OpenCatalogForWriting(std::chrono::seconds(10));
    if (!catalog) Die(catalog.error().message());
    catalog_ = std::move(*catalog);
    const auto status = store.Json({"list"});
    for (const auto& layer : status["layers"])
      layers_.insert(layer["kind"] == "base" ? layers_.begin() : layers_.end(), layer["id"]);
  }

  // To the base alone, or to the base with its patch.
  void SwitchTo(bool patched) {
    const std::vector<std::string> layers(layers_.begin(), layers_.begin() + (patched ? 2 : 1));
    auto report = fuse::SwitchGeneration(store_, *catalog_, layers, "activate",
                                         {0, 1700000000, "activate", 0, "bench", "switch"});
    if (!report) Die(report.error().message());
    for (const std::string& warning : report->warnings) Die(warning);
  }

 private:
  static catalog::Store OpenStore(const BenchStore& store) {
    auto opened = catalog::Store::Open(store.store());
    if (!opened) Die(opened.error().message());
    return std::move(*opened);
  }

  catalog::Store store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::vector<std::string> layers_;  // ids: the base, the patch
};

struct Opened {
  Clock::time_point begin;
  Clock::time_point end;
};

// Opens random ones of `paths` until `stop`.
std::vector<Opened> OpenMany(const std::vector<std::string>& paths, const std::atomic<bool>& stop) {
  std::vector<Opened> opened;
  opened.reserve(1 << 22);
  for (uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
    const std::string& path = paths[test::Scramble(i) % paths.size()];
    const auto begin = Clock::now();
    Open(path);
    opened.push_back({begin, Clock::now()});
  }
  return opened;
}

void PrintOpens(const char* what, const std::vector<double>& taken) {
  std::printf("  %-34s %8zu opens: p50 %7.1f us, p99 %7.1f us, p99.9 %7.1f us, longest %8.1f us\n", what,
              taken.size(), Quantile(taken), Quantile(taken, 0.99), Quantile(taken, 0.999),
              Quantile(taken, 1));
  std::fflush(stdout);
}

// One thread opens, and every 100 ms there is a switch, there or back; then the same without switches. Each
// round gives a ratio of the two p99.
void MeasureOpens(const BenchStore& store, const char* what, const std::vector<std::string>& paths,
                  int rounds) {
  constexpr int kSwitches = 20;  // in a round
  constexpr auto kPause = std::chrono::milliseconds(100);
  Switcher switcher(store);
  std::vector<double> during;
  std::vector<double> without;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> of_round[2];
    for (const bool switching : {true, false}) {
      for (const std::string& path : paths) Open(path);
      std::vector<Opened> windows;
      std::vector<Opened> opened;
      std::atomic<bool> stop{false};
      std::thread opener([&] { opened = OpenMany(paths, stop); });
      for (int i = 0; i < kSwitches; ++i) {
        std::this_thread::sleep_for(kPause);
        const auto begin = Clock::now();
        if (switching) switcher.SwitchTo(i % 2 == 0);
        windows.push_back({begin, Clock::now()});
      }
      stop = true;
      opener.join();
      size_t window = 0;
      for (const Opened& one : opened) {
        while (window < windows.size() && windows[window].end < one.begin) ++window;
        const bool within = window < windows.size() && one.end >= windows[window].begin;
        if (switching == within) of_round[switching ? 0 : 1].push_back(Microseconds(one.end - one.begin));
      }
    }
    during.insert(during.end(), of_round[0].begin(), of_round[0].end());
    without.insert(without.end(), of_round[1].begin(), of_round[1].end());
    ratios.push_back(Quantile(of_round[0], 0.99) / Quantile(of_round[1], 0.99));
  }
  std::printf("%s: ratio of the p99 %.2f (%.2f to %.2f)\n", what, Quantile(ratios), Quantile(ratios, 0),
              Quantile(ratios, 1));
  PrintOpens("while a switch goes on", during);
  PrintOpens("without any", without);
}

// Each of `paths` opened once, in some order, with nothing of them in the kernel's caches.
std::vector<double> OpenFirst(std::vector<std::string> paths) {
  for (size_t i = paths.size(); i > 1; --i) std::swap(paths[i - 1], paths[test::Scramble(i) % i]);
  std::ofstream("/proc/sys/vm/drop_caches") << 2;
  std::vector<double> taken;
  for (const std::string& path : paths) {
    const auto begin = Clock::now();
    Open(path);
    taken.push_back(Microseconds(Clock::now() - begin));
  }
  return taken;
}

void MeasureWaiting(const std::string& folder, int files, BenchStore::Layout layout, int rounds) {
  const BenchStore store(folder, files, 1000, layout);
  store.Mount();
  const auto all = AllPaths(store, files);
  std::vector<std::string> changed;
  for (int i = 0; i < files; ++i) {
    if (store.IsPatched(i)) changed.push_back(all[static_cast<size_t>(i)]);
  }
  std::printf("%d files, 1,000 patched, %s\n", files,
              layout == BenchStore::Layout::kSpread ? "in every folder" : "in 10 folders");
  MeasureOpens(store, "opens of any file", all, rounds);
  MeasureOpens(store, "opens of files that change", changed, rounds);
  PrintOpens("first opens, without any", OpenFirst(all));
}

}  // namespace
}  // namespace veneer::bench

int main(int argc, char** argv) {
  const int files = argc > 1 ? std::atoi(argv[1]) : 60000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  const auto made = veneer::io::TemporaryFolder::Create("/var/tmp");
  if (!made) veneer::bench::Die(made.error().message());
  const std::string folder = made->path() + "/store";
  for (const auto layout :
       {veneer::bench::BenchStore::Layout::kTogether, veneer::bench::BenchStore::Layout::kSpread})
    veneer::bench::MeasureWaiting(folder, files, layout, rounds);
  for (const int patched : {10, 100, 1000, 10000}) veneer::bench::MeasureCost(folder, files, patched, rounds);
  for (const int size : {files / 10, files * 3}) veneer::bench::MeasureCost(folder, size, 1000, rounds);
}
