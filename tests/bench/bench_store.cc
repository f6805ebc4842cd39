#include "tests/bench/bench_store.h"

#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "fs/io/process.h"
#include "tests/bench/measure.h"
#include "tests/support/pattern.h"

namespace veneer::bench {
namespace {

namespace stdfs = std::filesystem;

constexpr int kFilesInFolder = 100;
constexpr int kFoldersInFolder = 20;

}  // namespace

std::string BenchStore::PathOf(int number) {
  return fmt::format("d{}/e{}/file{}", number / (kFilesInFolder * kFoldersInFolder), number / kFilesInFolder,
                     number);
}

BenchStore::BenchStore(const std::string& folder, int files, int patched, Layout layout)
    : folder_(folder), files_(files), patched_(patched), layout_(layout) {
  stdfs::create_directories(mount());
  MakeTree();
  Run({"keygen", *this / "keys"});
  for (const char* role : {"base.d", "patch.d"}) {
    stdfs::create_directories(folder_ / "trust" / role);
    stdfs::copy_file(folder_ / "keys/ca.pem", folder_ / "trust" / role / "ca.pem");
  }
  Sign({"seal", *this / "tree", "-o", base(), "--id", "bench", "--version", "1"});
  Run({"init", "--trust", *this / "trust"});
  Run({"install", base(), "--activate"});
  if (patched_ != 0) MakePatch();
  stdfs::remove_all(folder_ / "tree");
}

BenchStore::~BenchStore() {
  Unmount();
  stdfs::remove_all(folder_);
}

void BenchStore::MakeTree() const {
  for (int i = 0; i < files_; ++i) {
    const stdfs::path path = folder_ / "tree" / PathOf(i);
    if (i % kFilesInFolder == 0) stdfs::create_directories(path.parent_path());
    const auto seed = static_cast<uint64_t>(i);
    const Bytes bytes = test::Pattern(1024 + test::Scramble(seed) % 15360, seed);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

void BenchStore::MakePatch() const {
  for (int i = 0; i < files_; ++i) {
    if (IsPatched(i)) std::ofstream(folder_ / "tree" / PathOf(i), std::ios::app) << "patched";
  }
  Sign({"patch", *this / "tree", "-o", patch(), "--base", base(), "--component", "c", "--sequence", "1"});
  Run({"install", patch()});
}

void BenchStore::Run(std::vector<std::string> words) const {
  words.insert(words.begin(), {VENEER_PROGRAM, "--quiet", "--store", store()});
  Check(io::RunProgram(words));
}

void BenchStore::Sign(std::vector<std::string> words) const {
  for (const std::string& word :
       {std::string("--key"), *this / "keys/signer.key", std::string("--cert"), *this / "keys/signer.pem"})
    words.push_back(word);
  Run(std::move(words));
}

nlohmann::json BenchStore::Json(std::vector<std::string> words) const {
  std::string command = fmt::format("'{}' --json --store '{}'", VENEER_PROGRAM, store());
  for (const std::string& word : words) command += fmt::format(" '{}'", word);
  const std::string answer = *this / "answer.json";
  Check(io::RunProgram({"sh", "-c", fmt::format("{} > '{}'", command, answer)}));
  return nlohmann::json::parse(std::ifstream(answer));
}

void BenchStore::Mount() const {
  Run({"mount", mount()});
}

void BenchStore::Unmount() const {
  ::umount2(mount().c_str(), MNT_DETACH);
  while (!Json({"status"})["mounts"].empty()) ::usleep(1000);
}

}  // namespace veneer::bench
