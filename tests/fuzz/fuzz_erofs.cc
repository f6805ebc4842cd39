// Opens any bytes as an EROFS image, walks it within bounds, and reads everything in it. Beyond what the
// sanitizers see, what the reader promises must hold; a broken promise is a crash.
#include <algorithm>
#include <deque>
#include <set>

#include "fs/erofs/dir_cursor.h"
#include "fs/erofs/image.h"
#include "fs/erofs/walk.h"
#include "tests/fuzz/require.h"

namespace veneer::erofs {
namespace {

constexpr size_t kMaxInodes = 300;
constexpr int kMaxSteps = 5000;            // of one listing, or runs of data of one file
constexpr uint64_t kMaxRead = 256 * 1024;  // of one file, at its start and at its end

// An error may only say that the image is bad.
template <typename T>
bool Good(const Result<T>& result) {
  if (result) return true;
  Require(result.error().code() == ErrorCode::kCorrupt || result.error().code() == ErrorCode::kUnsupported);
  return false;
}

class Visitor {
 public:
  explicit Visitor(const Image& image) : image_(image) {}

  void Run() {
    Meet(image_.root());
    // Also what no folder names.
    for (Nid nid = 0; nid < image_.source().size() / 32; nid += 1 + nid / 64) Meet(nid);
    while (!queue_.empty()) {
      const Nid nid = queue_.front();
      queue_.pop_front();
      const auto inode = image_.ReadInode(nid);
      if (Good(inode)) Visit(*inode);
    }
  }

 private:
  void Meet(Nid nid) {
    if (met_.size() < kMaxInodes && met_.insert(nid).second) queue_.push_back(nid);
  }

  void Visit(const Inode& inode) {
    Require(image_.BlockOfInode(inode.nid) == inode.offset / kBlockSize);
    VisitXattrs(inode);
    VisitBlocks(inode);
    if (inode.HasData()) VisitData(inode);
    if (inode.IsSymlink()) (void)Good(image_.ReadLink(inode));
    if (inode.IsFolder()) VisitFolder(inode);
  }

  void VisitXattrs(const Inode& inode) {
    const auto xattrs = image_.ListXattrs(inode);
    if (!Good(xattrs)) return;
    for (const Xattr& xattr : *xattrs) {
      const auto value = image_.GetXattr(inode, xattr.name);
      Require(Good(value) && value->has_value());
      if (xattrs->size() > 50) break;
    }
  }

  void VisitBlocks(const Inode& inode) {
    const auto blocks = image_.BlocksOf(inode);
    Require(blocks.has_value() && !blocks->empty());
    uint64_t last = 0;
    for (const BlockRange& range : *blocks) {
      Require(range.begin < range.end && (last == 0 || range.begin > last));
      Require(range.end <= image_.source().size() / kBlockSize);
      last = range.end;
    }
  }

  void VisitData(const Inode& inode) {
    Bytes data(std::min(inode.size, kMaxRead));
    (void)Good(image_.ReadData(inode, 0, data));
    (void)Good(image_.ReadData(inode, inode.size - data.size(), data));
    uint64_t offset = 0;
    for (int i = 0; i < kMaxSteps && offset < inode.size; ++i) {
      const auto run = image_.NextData(inode, offset);
      if (!Good(run) || !*run) break;
      Require((*run)->begin >= offset && (*run)->begin < (*run)->end && (*run)->end <= inode.size);
      offset = (*run)->end;
    }
  }

  void VisitFolder(const Inode& folder) {
    auto cursor = DirCursor::Open(image_, folder);
    if (!Good(cursor)) return;
    std::string previous;
    for (int i = 0; i < kMaxSteps && cursor->entry() != nullptr; ++i) {
      const DirCursor::Entry& entry = *cursor->entry();
      Require(!entry.name.empty() && entry.name.size() <= 255 && entry.name > previous);
      Require(entry.name.find('/') == std::string_view::npos &&
              entry.name.find('\0') == std::string_view::npos);
      Require(image_.BlockOfInode(entry.nid).has_value());
      previous = entry.name;
      (void)Good(image_.Lookup(folder, previous));
      Meet(entry.nid);
      if (i % 16 == 0) Seek(folder, entry);
      if (!Good(cursor->Next())) Require(cursor->entry() == nullptr);
    }
  }

  void Seek(const Inode& folder, const DirCursor::Entry& entry) {
    auto other = DirCursor::Open(image_, folder);
    if (!Good(other)) return;
    Require(Good(other->SeekTo(entry.block, entry.index)) && other->entry()->name == entry.name);
    (void)Good(other->SeekTo(entry.block, static_cast<uint16_t>(entry.index + 341)));
    (void)Good(other->SeekName(entry.name));
    (void)Good(other->SeekBehind(entry.name));
  }

  const Image& image_;
  std::set<Nid> met_;
  std::deque<Nid> queue_;
};

// From the root by names, however the folders hold each other.
void WalkByNames(const Image& image) {
  int visits = 0;
  const Status status = Walk(image, [&](const std::string&, Nid, const Result<Inode>& inode) -> Status {
    (void)Good(inode);
    if (++visits == kMaxSteps) return Fail(ErrorCode::kInterrupted, "enough");
    return {};
  });
  Require(status || status.error().code() == ErrorCode::kInterrupted);
}

}  // namespace
}  // namespace veneer::erofs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace veneer;
  const auto image = erofs::Image::Open(std::make_shared<io::MemoryBlockSource>(Bytes(data, data + size)));
  if (!erofs::Good(image)) return 0;
  erofs::Visitor(*image).Run();
  erofs::WalkByNames(*image);
  return 0;
}
