// Any bytes are safe as a trailer, and what is accepted says the same when it is written again.
//
// Input: the size of the file (8 bytes, little-endian), then the bytes that stand at its end.
#include <cstdlib>
#include <cstring>

#include "fs/format/trailer.h"

using namespace veneer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Le64 file_size;
  if (size < sizeof file_size) return 0;
  std::memcpy(&file_size, data, sizeof file_size);
  const ByteSpan bytes(data + sizeof file_size, size - sizeof file_size);

  const auto trailer = format::DecodeTrailer(bytes, file_size);
  if (!trailer) return 0;
  if (!InBounds(0, trailer->image_size, file_size) ||
      !InBounds(trailer->tree_offset, trailer->tree_size, file_size) ||
      !InBounds(trailer->cms_offset, trailer->cms_size, file_size)) {
    std::abort();
  }
  const auto again = format::DecodeTrailer(format::EncodeTrailer(*trailer), file_size);
  if (!again || *again != *trailer) std::abort();
  return 0;
}
