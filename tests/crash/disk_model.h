// What a power cut leaves of a folder, by the word of POSIX and not of any one file system.
//
// The content of a file is safe once the file was synced, and a name, made or changed or removed, once its
// folder was; all else may be lost. What may survive unsynced is any part of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fs/base/bytes.h"
#include "tests/crash/step.h"

namespace veneer::test {

// Every file below a folder by its path, with its content; nothing for a folder.
using Tree = std::map<std::string, std::optional<Bytes>>;

Tree ReadTree(const std::string& folder);
void WriteTree(const Tree& tree, const std::string& folder);  // in place of what is there

class DiskModel {
 public:
  // The folder as it is, all of it safe.
  explicit DiskModel(const Tree& tree);

  // Fails the test for a step that cannot be: on a file that is not there.
  void Apply(const Step& step);

  // As a running system sees it.
  Tree Now() const;
  // After a power cut that took all that was not synced.
  Tree AfterCut() const;
  // After one that took all of it but one change of a name, whatever that was to be the name of; and after
  // one that left all of it but one. For each of the UnsyncedNames(), from 0 on.
  size_t UnsyncedNames() const;
  Tree AfterCutKeeping(size_t name) const;
  Tree AfterCutLosing(size_t name) const;
  // After one that left some of it: whole writes or the beginning of one, in any order; names likewise, but
  // a rename or an exchange happened or did not.
  Tree AfterCut(std::mt19937_64& random) const;

 private:
  struct Change {
    uint64_t offset = 0;
    Bytes bytes;
    bool truncates = false;  // to `offset`
  };
  using Names = std::map<std::string, size_t>;
  using NameChange = std::vector<std::pair<std::string, std::optional<size_t>>>;  // all of it or nothing
  struct Inode {
    bool is_folder = false;
    Bytes bytes, safe_bytes;
    std::vector<Change> changes;  // since the last sync
    Names names, safe_names;
    std::vector<NameChange> name_changes;  // likewise
  };
  // What a folder or a file has in one view of the disk.
  using NamesOf = std::function<Names(const Inode& folder)>;
  using BytesOf = std::function<Bytes(const Inode& file)>;

  static void Make(Bytes& bytes, const Change& change, size_t length);
  static void Make(Names& names, const NameChange& change);
  static Bytes Torn(const Inode& file, std::mt19937_64& random);
  static Names TornNames(const Inode& folder, std::mt19937_64& random);
  size_t Find(const std::string& path) const;
  void ChangeNames(size_t folder, NameChange change);
  // The safe names, with those changes that `survives` picks by their number among the UnsyncedNames().
  Names SomeNames(const Inode& folder, const std::function<bool(size_t name)>& survives) const;
  Tree View(const NamesOf& names, const BytesOf& bytes) const;
  void Collect(size_t inode, const std::string& path, const NamesOf& names, const BytesOf& bytes,
               Tree& tree) const;

  std::vector<Inode> inodes_;  // the first is the root; those that nobody names stay
};

}  // namespace veneer::test
