// An image of good files among files whose inodes, folders and xattrs lie.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"

namespace veneer::test {

// What must fail, and with it all that needs it.
enum class FailsAt { kNothing, kStat, kRead, kList, kReadLink, kXattrs, kChild };

struct Lie {
  std::string name;  // in the root
  FailsAt fails_at = FailsAt::kStat;
  std::string child;  // kChild: the name in it that must fail
};

// The names in the root besides kHonest: each lies in its own way.
const std::vector<Lie>& Lies();

// The files that do not lie hold these bytes, as do lying ones that can be read at all. One of their names
// has 255 bytes.
inline constexpr const char* kHonestContent = "what was sealed";
const std::vector<std::string>& HonestFiles();

// Bytes that lie in the image where no honest reader gets at them.
inline constexpr const char* kSecret = "bytes of nobody";

Bytes LyingImage();

}  // namespace veneer::test
