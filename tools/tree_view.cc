#include "tools/tree_view.h"

#include <sys/stat.h>

#include "fs/base/cancel.h"
#include "fs/erofs/overlay.h"
#include "fs/erofs/walk.h"
#include "fs/format/utc_time.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

struct Item {
  const std::string& path;
  const erofs::Inode& inode;
  std::string target;   // of a symlink
  bool opaque = false;  // hides what lower layers have in this folder
};

struct TypeName {
  char letter;
  const char* word;
};

TypeName TypeOf(const erofs::Inode& inode) {
  if (inode.IsWhiteout()) return {'c', "whiteout"};
  switch (inode.mode & S_IFMT) {
    case S_IFDIR:
      return {'d', "folder"};
    case S_IFREG:
      return {'-', "file"};
    case S_IFLNK:
      return {'l', "symlink"};
    case S_IFCHR:
      return {'c', "character device"};
    case S_IFBLK:
      return {'b', "block device"};
    case S_IFIFO:
      return {'p', "fifo"};
    case S_IFSOCK:
      return {'s', "socket"};
    default:
      return {'?', "unknown"};
  }
}

// As ls shows it, e.g. "drwxr-sr-t".
std::string ModeText(const erofs::Inode& inode) {
  const unsigned mode = inode.mode;
  std::string text(1, TypeOf(inode).letter);
  for (const unsigned shift : {6U, 3U, 0U}) {
    text += (mode >> shift & 4) != 0 ? 'r' : '-';
    text += (mode >> shift & 2) != 0 ? 'w' : '-';
    text += (mode >> shift & 1) != 0 ? 'x' : '-';
  }
  const auto mark = [&](size_t at, unsigned bit, char with_execute, char without) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_execute : without;
  };
  mark(3, S_ISUID, 's', 'S');
  mark(6, S_ISGID, 's', 'S');
  mark(9, S_ISVTX, 't', 'T');
  return text;
}

bool IsDevice(const erofs::Inode& inode) {
  return S_ISCHR(inode.mode) || S_ISBLK(inode.mode);
}

// The two halves of the kernel's new_encode_dev.
uint32_t Major(uint32_t rdev) {
  return (rdev & 0xfff00) >> 8;
}
uint32_t Minor(uint32_t rdev) {
  return (rdev & 0xff) | (rdev >> 12 & 0xfff00);
}

void ShowLine(const Item& item, Output& output) {
  const erofs::Inode& inode = item.inode;
  const std::string size = IsDevice(inode) ? fmt::format("{}, {}", Major(inode.rdev), Minor(inode.rdev))
                                           : fmt::format("{}", inode.size);
  std::string name = "/" + item.path;
  if (inode.IsSymlink()) name += " -> " + item.target;
  if (inode.IsWhiteout()) name += " (whiteout)";
  if (item.opaque) name += " (opaque)";
  output.Line("{} {:>3} {:>5} {:>5} {:>10} {} {}", ModeText(inode), inode.nlink, inode.uid, inode.gid, size,
              format::FormatUtcTime(inode.mtime), name);
}

Json JsonOf(const Item& item) {
  const erofs::Inode& inode = item.inode;
  Json json = {{"path", "/" + ToUtf8(item.path)},
               {"type", TypeOf(inode).word},
               {"mode", fmt::format("{:04o}", inode.mode & 07777U)},
               {"links", inode.nlink},
               {"uid", inode.uid},
               {"gid", inode.gid},
               {"size", inode.size},
               {"mtime", inode.mtime},
               {"mtime_nsec", inode.mtime_nsec},
               {"inode", inode.nid}};
  if (inode.IsSymlink()) json["target"] = ToUtf8(item.target);
  if (IsDevice(inode)) {
    json["major"] = Major(inode.rdev);
    json["minor"] = Minor(inode.rdev);
  }
  if (item.opaque) json["opaque"] = true;
  return json;
}

Result<Item> ReadItem(const erofs::Image& image, const std::string& path, const Result<erofs::Inode>& inode) {
  if (!inode) return tl::unexpected(inode.error());
  Item item{path, *inode, {}, false};
  if (inode->IsSymlink()) {
    VENEER_ASSIGN(item.target, image.ReadLink(*inode));
  }
  if (inode->IsFolder()) {
    VENEER_ASSIGN(item.opaque, erofs::IsOpaque(image, *inode));
  }
  return item;
}

}  // namespace

Status ShowTree(const erofs::Image& image, Output& output) {
  Json list = Json::array();
  const Status walked = erofs::Walk(
      image, [&](const std::string& path, erofs::Nid, const Result<erofs::Inode>& inode) -> Status {
        VENEER_TRY(CheckCancel());
        const Result<Item> item = ReadItem(image, path, inode);
        if (!item) return Fail(ErrorCode::kDamaged, "/{}: {}", path, item.error().message());
        ShowLine(*item, output);
        if (output.json_wanted()) list.push_back(JsonOf(*item));
        return {};
      });
  output.json()["tree"] = std::move(list);
  return walked;
}

}  // namespace veneer::tools
