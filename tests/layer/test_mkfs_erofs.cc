// How mkfs.erofs is called.
#include <sys/stat.h>

#include "fs/layer/mkfs_erofs.h"
#include "tests/support/catch.h"

namespace veneer::layer {
namespace {

TreeListing ListingOf(std::vector<TreeEntry> entries) {
  TreeListing listing;
  for (size_t i = 0; i < entries.size(); ++i) entries[i].first_link = i;
  listing.entries = std::move(entries);
  return listing;
}

TreeEntry WithTime(int64_t seconds, uint32_t nanoseconds) {
  TreeEntry entry;
  entry.mtime = seconds;
  entry.mtime_nsec = nanoseconds;
  return entry;
}

TreeEntry FileOf(uint64_t size, uint64_t zero_blocks) {
  TreeEntry entry;
  entry.mode = S_IFREG | 0644;
  entry.size = size;
  entry.zero_blocks = zero_blocks;
  return entry;
}

TEST_CASE("the epoch is the newest time, rounded up") {
  CHECK(SourceDateEpoch(ListingOf({WithTime(0, 0)})) == "0");
  CHECK(SourceDateEpoch(ListingOf({WithTime(0, 1)})) == "1");
  CHECK(SourceDateEpoch(ListingOf({WithTime(7, 0), WithTime(9, 0), WithTime(8, 999999999)})) == "9");
  CHECK(SourceDateEpoch(ListingOf({WithTime(7, 0), WithTime(9, 1), WithTime(9, 0)})) == "10");
}

TEST_CASE("times before 1970 need the highest epoch there is") {
  CHECK(SourceDateEpoch(ListingOf({WithTime(7, 0), WithTime(-3, 0)})) == "18446744073709551614");
}

TEST_CASE("chunks are taken where they make the image smaller") {
  CHECK_FALSE(ChunksAreSmaller(ListingOf({})));
  CHECK_FALSE(ChunksAreSmaller(ListingOf({FileOf(4096, 0)})));
  CHECK(ChunksAreSmaller(ListingOf({FileOf(1 << 20, 256)})));
  CHECK(ChunksAreSmaller(ListingOf({FileOf(8192, 1)})));
  CHECK_FALSE(ChunksAreSmaller(ListingOf({FileOf(8192, 1), FileOf(10, 0)})));
  CHECK(ChunksAreSmaller(ListingOf({FileOf(12288, 2), FileOf(10, 0)})));
}

TEST_CASE("a hard link is counted once") {
  TreeListing listing = ListingOf({FileOf(8192, 1), FileOf(10, 0), FileOf(8192, 1)});
  CHECK(ChunksAreSmaller(listing));
  listing.entries[2].first_link = 0;
  CHECK_FALSE(ChunksAreSmaller(listing));
}

}  // namespace
}  // namespace veneer::layer
