// Runs a fuzz target over kept inputs, where there is no libFuzzer: FILE-OR-FOLDER...
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "fs/io/file_ops.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace stdfs = std::filesystem;

std::vector<std::string> FilesOf(int argc, char** argv) {
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (!stdfs::is_directory(argv[i])) files.emplace_back(argv[i]);
    if (!stdfs::is_directory(argv[i])) continue;
    for (const auto& entry : stdfs::directory_iterator(argv[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const auto files = FilesOf(argc, argv);
  for (const std::string& file : files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    const auto bytes = veneer::io::ReadWholeFile(file, size_t{64} << 20);
    if (!bytes) {
      std::fprintf(stderr, "%s\n", bytes.error().message().c_str());
      return 1;
    }
    LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
  }
  return files.empty() ? 1 : 0;
}
