// Small images, each of which lies in one place: the inputs that the fuzz target `erofs` starts from, and of
// each of which hostile_images_test.cc says what becomes of it.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"

namespace veneer::erofs {

struct HostileImage {
  std::string name;  // says where it lies; fit for the name of a file
  Bytes bytes;
};

std::vector<HostileImage> HostileImages();

}  // namespace veneer::erofs
