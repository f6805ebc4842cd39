// Trees that follow each other on a mount, each the one before with a few hundred changes of every kind.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace veneer::test {

inline constexpr int kTrees = 3;

// A set of trees, bit I for tree I.
using TreeSet = uint32_t;

// What a tree has at a path, as far as one look tells it from another.
struct Shown {
  bool present = false;
  struct stat st {};
  std::string content;          // of a regular file
  std::set<std::string> names;  // of a folder, without "." and ".."
};

using ShownByTree = std::array<Shown, kTrees>;

// Makes ROOT/t0, t1 and t2. From one to the next: files changed, removed, added, replaced by folders and
// symlinks and back; folders new, removed, back with other content, replaced by files and back, with other
// attributes alone. Every file's content names its tree and its path on each line. Fails the test if the file
// system will not.
void MakeSwitchTrees(const std::string& root);

// What is at each path that any of the trees has, by the path below the tree's root ("" for the root itself).
std::map<std::string, ShownByTree> DescribeTrees(const std::string& root);

// The trees that show at a path what was found there.
TreeSet TreesWithout(const ShownByTree& shown);
TreeSet TreesWithContent(const ShownByTree& shown, const std::string& content);
TreeSet TreesWithStat(const ShownByTree& shown, const struct stat& st);
TreeSet TreesWithNames(const ShownByTree& shown, const std::set<std::string>& names);

}  // namespace veneer::test
