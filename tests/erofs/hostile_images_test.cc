// What becomes of each hostile image: which paths are seen, and which error stands in the place of what.
#include "tests/erofs/hostile_images.h"

#include <map>

#include "fs/erofs/walk.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

std::string Refusal(const std::string& path, const Error& error) {
  return fmt::format("{}: {}: {}\n", path, CodeWord(error.code()), error.message());
}

// Reads what a walk meets: a line for each path, and in the place of what cannot be read the error.
std::string Seen(const HostileImage& hostile) {
  const auto image = Image::Open(std::make_shared<io::MemoryBlockSource>(hostile.bytes));
  if (!image) return Refusal("image", image.error());
  std::string seen;
  REQUIRE_OK(Walk(*image, [&](const std::string& path, Nid, const Result<Inode>& inode) -> Status {
    if (!inode) {
      seen += Refusal(path, inode.error());
      return {};
    }
    seen += path + "\n";
    if (inode->IsSymlink()) {
      if (const auto target = image->ReadLink(*inode); !target) seen += Refusal(path, target.error());
    } else if (!inode->IsFolder() && inode->HasData()) {
      Bytes last(1);
      if (const Status read = image->ReadData(*inode, inode->size - 1, last); !read)
        seen += Refusal(path, read.error());
    }
    return {};
  }));
  return seen;
}

TEST_CASE("each hostile image gives what is right in it, and an error for what is not") {
  const std::map<std::string, std::string> expected = {
      {"none",
       "\n"
       "file\n"
       "folder\n"
       "folder/inner\n"},
      {"first-name-behind-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the first name is at byte 4104 of 4096\n"},
      {"first-name-at-end-of-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the first name is at byte 4096 of 4096\n"},
      {"first-name-between-entries",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the first name is at byte 37 of 4096\n"},
      {"first-name-in-first-entry",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the first name is at byte 0 of 4096\n"},
      {"first-name-in-second-entry",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 0 has 0 bytes\n"},
      {"first-name-too-far",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 0 is at bytes 60 to 37\n"},
      {"name-behind-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 0 is at bytes 36 to 5000\n"},
      {"name-far-behind-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 0 is at bytes 36 to 65535\n"},
      {"name-before-the-one-in-front",
       "\n"
       "file\n"
       "folder\n"
       "folder/...in\n"
       "folder/...in: corrupt: folder 2 has more than one place\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 1 is at bytes 41 to 39\n"},
      {"name-in-entries",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 0 is at bytes 36 to 12\n"},
      {"last-name-in-entries",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 1 is at bytes 37 to 24\n"},
      {"last-name-at-end-of-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 1 has 4059 bytes\n"},
      {"last-name-in-zeros",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 1 has 4058 bytes\n"},
      {"name-of-255", "\nfile\nfolder\nfolder/" + std::string(255, 'n') + "\n"},
      {"name-of-256",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 2 has 256 bytes\n"},
      {"name-to-end-of-block",
       "\n"
       "file\n"
       "folder\n"
       "folder: corrupt: folder inode 2, block 0: the name of entry 2 has 4057 bytes\n"},
      {"file-size-top-bit",
       "\n"
       "file: corrupt: inode 4: its size of 9223372036854775908 bytes is impossible\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: its size of 9223372036854775908 bytes is impossible\n"},
      {"file-size-minus-one",
       "\n"
       "file: corrupt: inode 4: its size of 18446744073709551615 bytes is impossible\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: its size of 18446744073709551615 bytes is impossible\n"},
      {"file-size-largest",
       "\n"
       "file: corrupt: inode 4: 2251799813685248 blocks of data from block 4 reach beyond the image\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: 2251799813685248 blocks of data from block 4 reach beyond the "
       "image\n"},
      {"file-one-block-too-long",
       "\n"
       "file: corrupt: inode 4: 2 blocks of data from block 4 reach beyond the image\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: 2 blocks of data from block 4 reach beyond the image\n"},
      {"inline-size-largest",
       "\n"
       "file: corrupt: inode 4: its inline data cross a block boundary\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: its inline data cross a block boundary\n"},
      {"chunked-size-largest",
       "\n"
       "file: corrupt: inode 4: its chunk table reaches beyond the image\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: its chunk table reaches beyond the image\n"},
      {"symlink-size-top-bit",
       "\n"
       "file: corrupt: inode 4: its size of 9223372036854775818 bytes is impossible\n"
       "folder\n"
       "folder/inner: corrupt: inode 4: its size of 9223372036854775818 bytes is impossible\n"},
      {"symlink-beyond-any-path",
       "\n"
       "file\n"
       "file: corrupt: inode 4: is a symlink with a target of 4096 bytes\n"
       "folder\n"
       "folder/inner\n"
       "folder/inner: corrupt: inode 4: is a symlink with a target of 4096 bytes\n"},
      {"folder-size-top-bit",
       "\n"
       "file\n"
       "folder: corrupt: inode 2: its size of 9223372036854775908 bytes is impossible\n"},
      {"folder-size-largest",
       "\n"
       "file\n"
       "folder: corrupt: inode 2: a folder of 9223372036854775807 bytes is impossible\n"},
      {"folder-beyond-image",
       "\n"
       "file\n"
       "folder: corrupt: inode 2: 3 blocks of data from block 3 reach beyond the image\n"},
      {"folder-reaches-into-file",
       "\n"
       "file\n"
       "folder\n"
       "folder/inner\n"
       "folder: corrupt: folder inode 2, block 1: the first name is at byte 0 of 4096\n"},
      {"root-size-top-bit", "image: corrupt: inode 0: its size of 9223372036854775908 bytes is impossible\n"},
      {"folder-in-itself",
       "\n"
       "file\n"
       "folder\n"
       "folder/inner\n"
       "folder/self\n"
       "folder/self: corrupt: folder 2 has more than one place\n"},
      {"parent-in-folder",
       "\n"
       "file\n"
       "folder\n"
       "folder/inner\n"
       "folder/up\n"
       "folder/up: corrupt: folder 0 has more than one place\n"},
      {"two-folders-in-each-other",
       "\n"
       "folder\n"
       "folder/down\n"
       "folder/down/up\n"
       "folder/down/up: corrupt: folder 2 has more than one place\n"},
  };
  const auto images = HostileImages();
  CHECK(images.size() == expected.size());
  for (const HostileImage& image : images) {
    INFO(image.name);
    CHECK(Seen(image) == (expected.contains(image.name) ? expected.at(image.name) : "not expected"));
  }
}

}  // namespace
}  // namespace veneer::erofs
