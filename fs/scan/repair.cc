#include "fs/scan/repair.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "fs/crypto/sha256.h"
#include "fs/scan/hash_block.h"

namespace veneer::scan {
namespace {

// For a layer, whoever damaged it. Ways: about three seconds of one core. Blocks: twice the image, so that a
// root and all of the level below it can be had.
Effort MostEffort(const verity::VerifiedReader& reader) {
  return {uint64_t{1} << 20, 2 * reader.geometry().data_blocks()};
}

class Mender {
 public:
  Mender(const std::shared_ptr<const verity::VerifiedReader>& reader, const std::vector<Donor>& donors,
         io::Disk& disk, int fd)
      : reader_(reader), donors_(donors), disk_(disk), fd_(fd), work_out_(*reader, MostEffort(*reader)) {}

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

  // What costs next to nothing first, then what donors have, and only then what is hard to work out: that has
  // an end, and blocks that a donor has must not use it up.
  Status Mend(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) repair_.mended.erase(finding.block);
    VENEER_TRY(TryHashBlocks(findings));
    VENEER_TRY(AskDonors(findings));
    return work_out_.Settle([&](const HashBlock& block) { return !repair_.mended.contains(BlockOf(block)); },
                            [&](const HashBlock& block, const io::BlockData& data) {
                              Put(BlockOf(block), block.digest, data, donors_.front().id);
                            });
  }

  Status AskDonors(const std::vector<Finding>& findings) {
    std::map<Digest, std::vector<uint64_t>> wanted;
    std::set<Digest> digests;
    for (const Finding& finding : findings) {
      const auto digest = SignedDigest(finding);
      if (repair_.mended.contains(finding.block) || !digest) continue;
      wanted[*digest].push_back(finding.block);
      digests.insert(*digest);
    }
    return FindBlocks(donors_, digests,
                      [&](const Digest& digest, const io::BlockData& data, const Donor& donor) {
                        for (const uint64_t block : wanted.at(digest)) Put(block, digest, data, donor.id);
                      });
  }

  // One that cannot be had now is that of a block which stays as it is.
  Result<Digest> SignedDigest(const Finding& finding) const {
    if (finding.kind != "tree") return reader_->LeafDigest(finding.block);
    return reader_->HashBlockDigest(PositionOf(finding));
  }

  verity::Geometry::Position PositionOf(const Finding& finding) const {
    return reader_->geometry().PositionOf(finding.block - TreeBlock());
  }

  uint64_t BlockOf(const HashBlock& block) const {
    return TreeBlock() + reader_->geometry().TreeBlock(block.position);
  }

  // Mends the hash blocks among `findings` that are easily worked out again. Each is tried once: nothing
  // below one that stays damaged is mended, and so nothing comes of it later.
  Status TryHashBlocks(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      if (finding.kind != "tree") continue;
      const auto digest = SignedDigest(finding);
      if (!digest || !tried_.insert(finding.block).second) continue;
      VENEER_ASSIGN(const auto rebuilt, work_out_.Try({PositionOf(finding), *digest}));
      if (rebuilt) Put(finding.block, *digest, *rebuilt, donors_.front().id);
    }
    return {};
  }

  // The one place where a layer is written to.
  void Put(uint64_t block, const Digest& signed_digest, const io::BlockData& data, const std::string& from) {
    if (crypto::Sha256(data) != signed_digest) return;
    Status written = disk_.WriteAt(fd_, block * kBlockSize, data, reader_->file().name());
    if (!written) return Note(std::move(written));
    written_[block] = signed_digest;
    repair_.mended[block] = from;
    if (block > TreeBlock() && lit_.insert(block).second) light_ = true;
  }

  void Finish() {
    for (auto& [block, finding] : found_) repair_.scan.findings.push_back(std::move(finding));
    if (written_.empty()) return;
    Status synced = disk_.Sync(fd_, reader_->file().name());
    if (synced) return ReadBack();
    repair_.mended.clear();
    Note(std::move(synced));
  }

  // A device may take what is written and not keep it: only what it gives again is mended.
  void ReadBack() {
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
    io::BlockData data;
    for (const auto& [block, digest] : written_) {
      Status read = reader_->file().ReadExact(block * kBlockSize, data);
      if (read && crypto::Sha256(data) != digest)
        read = Fail(ErrorCode::kIo, "{}: block {}: the device did not keep what was written",
                    reader_->file().name(), block);
      if (read) continue;
      repair_.mended.erase(block);
      Note(std::move(read));
    }
  }

  uint64_t TreeBlock() const { return reader_->layout().tree_offset / kBlockSize; }

  const std::shared_ptr<const verity::VerifiedReader>& reader_;
  const std::vector<Donor>& donors_;
  io::Disk& disk_;
  int fd_;
  Repair repair_;
  WorkOut work_out_;
  std::map<uint64_t, Finding> found_;
  std::set<uint64_t> tried_;            // hash blocks that were to be worked out
  std::set<uint64_t> lit_;              // those that were mended
  bool light_ = false;                  // what lies below one of them has yet to be looked at
  std::map<uint64_t, Digest> written_;  // what was, by block
};

}  // namespace

Repair Together(Repair first, Repair again) {
  std::vector<Finding>& findings = first.scan.findings;
  for (Finding& finding : again.scan.findings) {
    first.mended.erase(finding.block);
    const bool known = std::any_of(findings.begin(), findings.end(),
                                   [&](const Finding& other) { return other.block == finding.block; });
    if (!known) findings.push_back(std::move(finding));
  }
  first.mended.merge(again.mended);
  if (first.failure) first.failure = std::move(again.failure);
  return first;
}

Result<Repair> RepairLayer(const std::shared_ptr<const verity::VerifiedReader>& reader,
                           const std::vector<Donor>& donors, io::Disk& disk, int fd,
                           const layer::Progress& progress) {
  return Mender(reader, donors, disk, fd).Run(progress);
}

}  // namespace veneer::scan
