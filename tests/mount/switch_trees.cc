#include "tests/mount/switch_trees.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kFolders = 6;
constexpr int kFiles = 40;  // in each

// One tree in the making.
class Maker {
 public:
  Maker(std::string root, int tree) : root_(std::move(root)), tree_(tree) {}

  // From an empty line to five blocks and a piece.
  void File(const std::string& path, size_t salt) const {
    const stdfs::path place = root_ + "/" + path;
    stdfs::create_directories(place.parent_path());
    std::ofstream out(place, std::ios::binary | std::ios::trunc);
    const size_t lines = 1 + salt * 37 % 600;
    for (size_t i = 0; i < lines; ++i) out << fmt::format("tree {} {} line {}\n", tree_, path, i);
    REQUIRE(out.flush().good());
  }
  void Folder(const std::string& path, mode_t mode) const {
    stdfs::create_directories(root_ + "/" + path);
    REQUIRE(::chmod((root_ + "/" + path).c_str(), mode) == 0);
  }
  void Symlink(const std::string& path, const std::string& target) const {
    stdfs::create_symlink(target, root_ + "/" + path);
  }
  void Remove(const std::string& path) const { REQUIRE(stdfs::remove_all(root_ + "/" + path) > 0); }

 private:
  std::string root_;
  int tree_;
};

std::string InFolder(int folder, const std::string& name) {
  return fmt::format("d{}/{}", folder, name);
}

void MakeFirst(const Maker& tree) {
  for (int d = 0; d < kFolders; ++d) {
    for (int f = 0; f < kFiles; ++f)
      tree.File(InFolder(d, fmt::format("f{}", f)), static_cast<size_t>(d * kFiles + f));
    tree.File(InFolder(d, "deep/er/file"), 3);
    tree.File(InFolder(d, "kind"), 4);
    tree.File(InFolder(d, "folder/inside"), 5);
    tree.File(InFolder(d, "gone/file"), 6);
    tree.File(InFolder(d, "gone/sub/file"), 7);
    tree.File(InFolder(d, "attributes/file"), 8);
    tree.Folder(InFolder(d, "attributes"), 0755);
    tree.File(InFolder(d, "untouched/file"), 9);
  }
}

void MakeSecond(const Maker& tree) {
  for (int d = 0; d < kFolders; ++d) {
    for (int f = 0; f < kFiles; f += 4)
      tree.File(InFolder(d, fmt::format("f{}", f)), static_cast<size_t>(d + f));
    for (int f = 1; f < kFiles; f += 8) tree.Remove(InFolder(d, fmt::format("f{}", f)));
    for (int n = 0; n < 8; ++n) tree.File(InFolder(d, fmt::format("n{}", n)), static_cast<size_t>(n));
    tree.Remove(InFolder(d, "kind"));
    tree.File(InFolder(d, "kind/inside"), 11);
    tree.Remove(InFolder(d, "folder"));
    tree.File(InFolder(d, "folder"), 12);
    tree.Remove(InFolder(d, "gone"));
    tree.File(InFolder(d, "new/file"), 13);
    tree.File(InFolder(d, "new/sub/file"), 14);
    tree.Folder(InFolder(d, "attributes"), 0700);
  }
}

void MakeThird(const Maker& tree) {
  for (int d = 0; d < kFolders; ++d) {
    for (int f = 0; f < kFiles; f += 6) {
      if (f % 8 != 1) tree.File(InFolder(d, fmt::format("f{}", f)), static_cast<size_t>(d + f + 1));
    }
    tree.File(InFolder(d, "f1"), 15);
    for (int n = 0; n < 8; n += 2) tree.Remove(InFolder(d, fmt::format("n{}", n)));
    tree.Remove(InFolder(d, "kind"));
    tree.Symlink(InFolder(d, "kind"), "f0");
    tree.Remove(InFolder(d, "folder"));
    tree.File(InFolder(d, "folder/other"), 16);
    tree.File(InFolder(d, "gone/file"), 17);
    tree.File(InFolder(d, "gone/late"), 18);
    tree.File(InFolder(d, "new/file"), 19);
    tree.File(InFolder(d, "new/sub/more"), 20);
    tree.Folder(InFolder(d, "attributes"), 0711);
  }
}

Shown Describe(const std::string& place) {
  Shown shown;
  shown.present = true;
  REQUIRE(::lstat(place.c_str(), &shown.st) == 0);
  if (S_ISREG(shown.st.st_mode)) {
    std::ostringstream content;
    content << std::ifstream(place, std::ios::binary).rdbuf();
    shown.content = content.str();
  } else if (S_ISDIR(shown.st.st_mode)) {
    for (const auto& entry : stdfs::directory_iterator(place)) shown.names.insert(entry.path().filename());
  }
  return shown;
}

template <typename Fits>
TreeSet TreesThat(const ShownByTree& shown, Fits fits) {
  TreeSet trees = 0;
  for (int i = 0; i < kTrees; ++i) {
    if (fits(shown[static_cast<size_t>(i)])) trees |= TreeSet{1} << i;
  }
  return trees;
}

bool SameStat(const struct stat& a, const struct stat& b) {
  if (a.st_mode != b.st_mode || a.st_mtim.tv_sec != b.st_mtim.tv_sec ||
      a.st_mtim.tv_nsec != b.st_mtim.tv_nsec) {
    return false;
  }
  return S_ISDIR(a.st_mode) || a.st_size == b.st_size;  // what a folder's size is, each file system decides
}

}  // namespace

void MakeSwitchTrees(const std::string& root) {
  const auto path = [&](int tree) { return fmt::format("{}/t{}", root, tree); };
  constexpr void (*kSteps[])(const Maker&) = {MakeFirst, MakeSecond, MakeThird};
  for (int tree = 0; tree < kTrees; ++tree) {
    if (tree > 0) REQUIRE(::system(fmt::format("cp -a '{}' '{}'", path(tree - 1), path(tree)).c_str()) == 0);
    kSteps[tree](Maker(path(tree), tree));
  }
}

std::map<std::string, ShownByTree> DescribeTrees(const std::string& root) {
  std::map<std::string, ShownByTree> shown;
  for (size_t tree = 0; tree < kTrees; ++tree) {
    const std::string place = fmt::format("{}/t{}", root, tree);
    shown[""][tree] = Describe(place);
    for (const auto& entry : stdfs::recursive_directory_iterator(place))
      shown[entry.path().lexically_relative(place)][tree] = Describe(entry.path());
  }
  return shown;
}

TreeSet TreesWithout(const ShownByTree& shown) {
  return TreesThat(shown, [](const Shown& one) { return !one.present; });
}
TreeSet TreesWithContent(const ShownByTree& shown, const std::string& content) {
  return TreesThat(shown, [&](const Shown& one) {
    return one.present && S_ISREG(one.st.st_mode) && one.content == content;
  });
}
TreeSet TreesWithStat(const ShownByTree& shown, const struct stat& st) {
  return TreesThat(shown, [&](const Shown& one) { return one.present && SameStat(one.st, st); });
}
TreeSet TreesWithNames(const ShownByTree& shown, const std::set<std::string>& names) {
  return TreesThat(
      shown, [&](const Shown& one) { return one.present && S_ISDIR(one.st.st_mode) && one.names == names; });
}

}  // namespace veneer::test
