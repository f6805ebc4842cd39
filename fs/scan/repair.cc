#include "fs/scan/repair.h"

#include <set>

#include "fs/crypto/sha256.h"
#include "fs/scan/hash_block.h"

namespace veneer::scan {
namespace {

class Mender {
 public:
  Mender(const std::shared_ptr<const verity::VerifiedReader>& reader, const std::vector<Donor>& donors,
         io::Disk& disk, int fd)
      : reader_(reader), donors_(donors), disk_(disk), fd_(fd) {}

  Result<Repair> Run(const layer::Progress& progress) {
    VENEER_ASSIGN(LayerScan scan, ScanReader(reader_, progress));
    repair_.scan = {scan.blocks, scan.bytes, {}};
    for (;;) {
      for (const Finding& finding : scan.findings) found_.insert({finding.block, finding});
      Note(Mend(scan.findings));
      if (!light_) break;
      light_ = false;
      auto again = ScanReader(reader_, progress);
      Note(again.map([](const LayerScan&) {}));
      if (!again) break;
      scan = *std::move(again);
    }
    Finish();
    return std::move(repair_);
  }

 private:
  // Keeps what went wrong first.
  void Note(Status status) {
    if (repair_.failure) repair_.failure = std::move(status);
  }

  Status Mend(const std::vector<Finding>& findings) {
    std::map<Digest, std::vector<uint64_t>> wanted;
    for (const Finding& finding : findings) {
      repair_.mended.erase(finding.block);
      VENEER_TRY(finding.kind == "tree" ? MendHashBlock(finding.block, wanted)
                                        : Want(finding.block, reader_->LeafDigest(finding.block), wanted));
    }
    std::set<Digest> digests;
    for (const auto& [digest, blocks] : wanted) digests.insert(digest);
    return FindBlocks(donors_, digests,
                      [&](const Digest& digest, const io::BlockData& data, const Donor& donor) {
                        for (const uint64_t block : wanted.at(digest)) Put(block, digest, data, donor.id);
                      });
  }

  // One whose digest cannot be had now stays as it is.
  static Status Want(uint64_t block, const Result<Digest>& digest,
                     std::map<Digest, std::vector<uint64_t>>& wanted) {
    if (digest) wanted[*digest].push_back(block);
    return {};
  }

  Status MendHashBlock(uint64_t block, std::map<Digest, std::vector<uint64_t>>& wanted) {
    const auto position = reader_->geometry().PositionOf(block - TreeBlock());
    const auto digest = reader_->HashBlockDigest(position);
    if (!digest) return {};
    VENEER_ASSIGN(const auto rebuilt, RebuildHashBlock(*reader_, position, *digest));
    if (!rebuilt) return Want(block, digest, wanted);
    Put(block, *digest, *rebuilt, donors_.front().id);
    return {};
  }

  // The one place where a layer is written to.
  void Put(uint64_t block, const Digest& signed_digest, const io::BlockData& data, const std::string& from) {
    if (crypto::Sha256(data) != signed_digest) return;
    Status written = disk_.WriteAt(fd_, block * kBlockSize, data, reader_->file().name());
    if (!written) return Note(std::move(written));
    written_ = true;
    repair_.mended[block] = from;
    if (block > TreeBlock() && lit_.insert(block).second) light_ = true;
  }

  void Finish() {
    for (auto& [block, finding] : found_) repair_.scan.findings.push_back(std::move(finding));
    if (!written_) return;
    Status synced = disk_.Sync(fd_, reader_->file().name());
    if (synced) return;
    repair_.mended.clear();
    Note(std::move(synced));
  }

  uint64_t TreeBlock() const { return reader_->layout().tree_offset / kBlockSize; }

  const std::shared_ptr<const verity::VerifiedReader>& reader_;
  const std::vector<Donor>& donors_;
  io::Disk& disk_;
  int fd_;
  Repair repair_;
  std::map<uint64_t, Finding> found_;
  std::set<uint64_t> lit_;  // hash blocks that were mended
  bool light_ = false;      // what lies below one of them has yet to be looked at
  bool written_ = false;
};

}  // namespace

Result<Repair> RepairLayer(const std::shared_ptr<const verity::VerifiedReader>& reader,
                           const std::vector<Donor>& donors, io::Disk& disk, int fd,
                           const layer::Progress& progress) {
  return Mender(reader, donors, disk, fd).Run(progress);
}

}  // namespace veneer::scan
