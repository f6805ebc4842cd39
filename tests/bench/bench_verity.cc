// Measures hash trees and verified reads: MB/s of tree building beside veritysetup's, and of plain reads
// beside verified ones, all from a file in the page cache; and scans of it, from there and from the device.
// usage: bench_verity [MEGABYTES]     (default 512;
// a file of that size in the folder for temporary files)
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "fs/base/parallel.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "fs/scan/scan.h"
#include "fs/verity/tree_builder.h"
#include "fs/verity/verified_reader.h"
#include "tests/support/pattern.h"

namespace veneer {
namespace {

constexpr uint64_t kMega = 1000 * 1000;

// A read of `out.size()` bytes at an offset.
using ReadFunction = std::function<Status(uint64_t, MutableByteSpan)>;

// Runs `work`, which handles `bytes` bytes, and prints how fast it was.
Status Measure(const std::string& what, uint64_t bytes, const std::function<Status()>& work) {
  const auto start = std::chrono::steady_clock::now();
  VENEER_TRY(work());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const double rate = static_cast<double>(bytes) / kMega / elapsed.count();
  std::printf("%-52s %8.0f MB/s %8.3f s\n", what.c_str(), rate, elapsed.count());
  return {};
}

// An image with its tree behind it, as a layer file begins.
Result<verity::Layout> MakeFile(const std::string& path, uint64_t megabytes) {
  const uint64_t size = megabytes * kMega / kBlockSize * kBlockSize;
  VENEER_ASSIGN(io::AtomicFile out, io::AtomicFile::Create(path));
  constexpr uint64_t kPiece = 1024 * kBlockSize;
  for (uint64_t at = 0; at < size; at += kPiece) {
    VENEER_TRY(out.Write(test::Pattern(std::min(kPiece, size - at), at)));
  }
  VENEER_ASSIGN(const auto image, io::PosixFile::Open(out.temporary_path()));
  VENEER_TRY(Measure("plain reads while warming up, all cores", size, [&] {
    return ParallelFor(size / kPiece, [&](uint64_t i) -> Status {
      Bytes buffer(kPiece);
      return image->ReadExact(i * kPiece, buffer);
    });
  }));
  verity::Tree tree;
  VENEER_TRY(Measure("hash tree, all cores", size, [&]() -> Status {
    VENEER_ASSIGN(tree, verity::BuildTree(*image, size, {}));
    return {};
  }));
  VENEER_TRY(Measure("hash tree, veritysetup format", size, [&] {
    return io::RunProgram({"veritysetup", "format", "--salt=-", out.temporary_path(), path + ".tree"});
  }));
  VENEER_TRY(out.Write(tree.bytes));
  VENEER_TRY(out.Commit());
  return verity::Layout{size, size, tree.bytes.size(), tree.root_hash};
}

Status MeasureSequential(const std::string& what, uint64_t size, size_t piece, unsigned threads,
                         const ReadFunction& read) {
  const std::string title = fmt::format("{}, {} KiB in order, {} thread(s)", what, piece / 1024, threads);
  const uint64_t share = size / threads / piece;  // pieces of each thread
  return Measure(title, share * piece * threads, [&] {
    return ParallelFor(
        threads,
        [&](uint64_t thread) -> Status {
          Bytes buffer(piece);
          for (uint64_t i = 0; i < share; ++i) VENEER_TRY(read((thread * share + i) * piece, buffer));
          return {};
        },
        threads);
  });
}

Status MeasureRandom(const std::string& what, uint64_t size, const ReadFunction& read) {
  constexpr uint64_t kReads = 50000;
  return Measure(what + ", 4 KiB at random, 1 thread", kReads * kBlockSize, [&]() -> Status {
    Bytes buffer(kBlockSize);
    for (uint64_t i = 0; i < kReads; ++i) {
      VENEER_TRY(read(test::Scramble(i) % (size / kBlockSize) * kBlockSize, buffer));
    }
    return {};
  });
}

// A scan of a layer that the kernel has cached, as it is and read from the device, by turns.
Status MeasureScans(const io::PosixFile& file, const verity::VerifiedReader& reader) {
  for (int round = 0; round < 5; ++round) {
    for (const bool device : {false, true}) {
      VENEER_TRY(Measure(device ? "scan, forgotten by the kernel" : "scan, cached by the kernel",
                         reader.size(), [&]() -> Status {
                           if (device) file.DropCached();
                           VENEER_ASSIGN(const auto scan, scan::ScanBlocks(reader, nullptr, {}));
                           return scan.findings.empty() ? Status() : Fail(ErrorCode::kCorrupt, "damage");
                         }));
    }
  }
  return {};
}

Status Run(uint64_t megabytes) {
  VENEER_ASSIGN(const auto folder, io::TemporaryFolder::Create(std::filesystem::temp_directory_path()));
  const std::string path = folder.path() + "/file";
  VENEER_ASSIGN(const verity::Layout layout, MakeFile(path, megabytes));
  VENEER_ASSIGN(std::shared_ptr<const io::PosixFile> file, io::PosixFile::Open(path));
  VENEER_ASSIGN(const auto reader, verity::VerifiedReader::Open(
                                       file, layout, std::make_shared<verity::BlockCache>(64 << 20), 1));
  const ReadFunction plain = [&](uint64_t offset, MutableByteSpan out) {
    return file->ReadExact(offset, out);
  };
  const ReadFunction verified = [&](uint64_t offset, MutableByteSpan out) {
    return reader->Read(offset, out);
  };

  for (size_t piece : {size_t{4096}, size_t{128} << 10, size_t{1} << 20}) {
    for (unsigned threads : {1U, WorkerCount()}) {
      VENEER_TRY(MeasureSequential("plain", layout.image_size, piece, threads, plain));
      VENEER_TRY(MeasureSequential("verified", layout.image_size, piece, threads, verified));
    }
  }
  VENEER_TRY(MeasureRandom("plain", layout.image_size, plain));
  VENEER_TRY(MeasureRandom("verified", layout.image_size, verified));
  return MeasureScans(*file, *reader);
}

}  // namespace
}  // namespace veneer

int main(int argc, char** argv) {
  const uint64_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 512;
  if (megabytes == 0) {
    std::fprintf(stderr, "usage: bench_verity [MEGABYTES]\n");
    return 2;
  }
  const veneer::Status status = veneer::Run(megabytes);
  if (!status) std::fprintf(stderr, "bench_verity: %s\n", status.error().message().c_str());
  return status ? 0 : 1;
}
