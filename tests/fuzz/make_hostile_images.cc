// Writes each hostile image into FOLDER, for the fuzz target `erofs` to start from.
#include <cstdio>
#include <fstream>

#include "tests/erofs/hostile_images.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hostile_images FOLDER\n");
    return 2;
  }
  for (const veneer::erofs::HostileImage& image : veneer::erofs::HostileImages()) {
    std::ofstream file(std::string(argv[1]) + "/" + image.name + ".img", std::ios::binary);
    file.write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "%s/%s.img: cannot be written\n", argv[1], image.name.c_str());
      return 1;
    }
  }
  return 0;
}
