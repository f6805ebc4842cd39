#include "tests/crash/disk_model.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Kind = Step::Kind;

std::string ParentOf(const std::string& path) {
  return stdfs::path(path).parent_path();
}

std::string NameOf(const std::string& path) {
  return stdfs::path(path).filename();
}

}  // namespace

Tree ReadTree(const std::string& folder) {
  Tree tree;
  for (const auto& entry : stdfs::recursive_directory_iterator(folder)) {
    auto& content = tree[entry.path().lexically_relative(folder)];
    if (entry.is_directory()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    content.emplace(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return tree;
}

void WriteTree(const Tree& tree, const std::string& folder) {
  stdfs::remove_all(folder);
  stdfs::create_directories(folder);
  for (const auto& [path, content] : tree) {
    if (!content) {
      stdfs::create_directory(folder + "/" + path);
    } else {
      std::ofstream(folder + "/" + path, std::ios::binary) << AsText(*content);
    }
  }
}

DiskModel::DiskModel(const Tree& tree) : inodes_(1) {
  inodes_[0].is_folder = true;
  for (const auto& [path, content] : tree) {
    Inode inode;
    inode.is_folder = !content;
    if (content) inode.bytes = inode.safe_bytes = *content;
    inodes_[Find(ParentOf(path))].names[NameOf(path)] = inodes_.size();
    inodes_.push_back(std::move(inode));
  }
  for (Inode& inode : inodes_) inode.safe_names = inode.names;
}

size_t DiskModel::Find(const std::string& path) const {
  size_t inode = 0;
  for (const auto& name : stdfs::path(path)) {
    if (name == ".") continue;
    const auto found = inodes_[inode].names.find(name);
    INFO(path);
    REQUIRE(found != inodes_[inode].names.end());
    inode = found->second;
  }
  return inode;
}

void DiskModel::Make(Bytes& bytes, const Change& change, size_t length) {
  if (change.truncates) {
    bytes.resize(change.offset);
    return;
  }
  if (bytes.size() < change.offset + length) bytes.resize(change.offset + length);
  std::copy_n(change.bytes.begin(), length, bytes.begin() + static_cast<ptrdiff_t>(change.offset));
}

void DiskModel::Make(Names& names, const NameChange& change) {
  for (const auto& [name, inode] : change) {
    if (inode) {
      names[name] = *inode;
    } else {
      names.erase(name);
    }
  }
}

void DiskModel::ChangeNames(size_t folder, NameChange change) {
  Make(inodes_[folder].names, change);
  inodes_[folder].name_changes.push_back(std::move(change));
}

void DiskModel::Apply(const Step& step) {
  const size_t folder = Find(ParentOf(step.path));
  const std::string name = NameOf(step.path);
  const auto change_file = [&](Change change) {
    Inode& file = inodes_[Find(step.path)];
    Make(file.bytes, change, change.bytes.size());
    file.changes.push_back(std::move(change));
  };
  switch (step.kind) {
    case Kind::kCreate:
      if (inodes_[folder].names.contains(name)) return change_file({0, {}, true});
      [[fallthrough]];
    case Kind::kMakeFolder:
      ChangeNames(folder, {{name, inodes_.size()}});
      inodes_.emplace_back().is_folder = step.kind == Kind::kMakeFolder;
      return;
    case Kind::kWrite:
      return change_file({step.offset, step.bytes, false});
    case Kind::kTruncate:
      return change_file({step.offset, {}, true});
    case Kind::kSync: {
      Inode& file = inodes_[Find(step.path)];
      file.safe_bytes = file.bytes;
      file.changes.clear();
      return;
    }
    case Kind::kRename:
      REQUIRE(Find(ParentOf(step.other)) == folder);  // else it would be two changes, and not one
      return ChangeNames(folder, {{NameOf(step.other), Find(step.path)}, {name, std::nullopt}});
    case Kind::kExchange:
      REQUIRE(Find(ParentOf(step.other)) == folder);
      return ChangeNames(folder, {{NameOf(step.other), Find(step.path)}, {name, Find(step.other)}});
    case Kind::kRemove:
      Find(step.path);
      return ChangeNames(folder, {{name, std::nullopt}});
    case Kind::kSyncFolder: {
      Inode& synced = inodes_[Find(step.path)];
      synced.safe_names = synced.names;
      synced.name_changes.clear();
      return;
    }
  }
}

Bytes DiskModel::Torn(const Inode& file, std::mt19937_64& random) {
  Bytes bytes = file.safe_bytes;
  const uint64_t way = random() % 3;  // all of it, its beginning, or any of it
  const size_t end = way == 1 ? random() % (file.changes.size() + 1) : file.changes.size();
  for (size_t i = 0; i < end; ++i) {
    const Change& change = file.changes[i];
    if (way == 2 && random() % 2 == 0) continue;
    const bool whole = way == 0 || i + 1 < end;
    Make(bytes, change, whole ? change.bytes.size() : random() % (change.bytes.size() + 1));
  }
  return bytes;
}

DiskModel::Names DiskModel::TornNames(const Inode& folder, std::mt19937_64& random) {
  Names names = folder.safe_names;
  const bool all = random() % 3 == 0;
  for (const NameChange& change : folder.name_changes) {
    if (all || random() % 2 == 0) Make(names, change);
  }
  return names;
}

size_t DiskModel::UnsyncedNames() const {
  size_t count = 0;
  for (const Inode& inode : inodes_) count += inode.name_changes.size();
  return count;
}

DiskModel::Names DiskModel::SomeNames(const Inode& folder,
                                      const std::function<bool(size_t name)>& survives) const {
  size_t number = 0;
  for (const Inode* before = inodes_.data(); before != &folder; ++before)
    number += before->name_changes.size();
  Names names = folder.safe_names;
  for (const NameChange& change : folder.name_changes) {
    if (survives(number++)) Make(names, change);
  }
  return names;
}

void DiskModel::Collect(size_t inode, const std::string& path, const NamesOf& names, const BytesOf& bytes,
                        Tree& tree) const {
  const Inode& here = inodes_[inode];
  if (!here.is_folder) {
    tree[path] = bytes(here);
    return;
  }
  if (!path.empty()) tree[path] = std::nullopt;
  for (const auto& [name, child] : names(here)) {
    Collect(child, path.empty() ? name : path + "/" + name, names, bytes, tree);
  }
}

Tree DiskModel::View(const NamesOf& names, const BytesOf& bytes) const {
  Tree tree;
  Collect(0, "", names, bytes, tree);
  return tree;
}

Tree DiskModel::Now() const {
  return View([](const Inode& folder) { return folder.names; }, [](const Inode& file) { return file.bytes; });
}

Tree DiskModel::AfterCut() const {
  return View([](const Inode& folder) { return folder.safe_names; },
              [](const Inode& file) { return file.safe_bytes; });
}

Tree DiskModel::AfterCutKeeping(size_t name) const {
  return View(
      [&](const Inode& folder) { return SomeNames(folder, [&](size_t number) { return number == name; }); },
      [](const Inode& file) { return file.safe_bytes; });
}

Tree DiskModel::AfterCutLosing(size_t name) const {
  return View(
      [&](const Inode& folder) { return SomeNames(folder, [&](size_t number) { return number != name; }); },
      [](const Inode& file) { return file.bytes; });
}

Tree DiskModel::AfterCut(std::mt19937_64& random) const {
  return View([&](const Inode& folder) { return TornNames(folder, random); },
              [&](const Inode& file) { return Torn(file, random); });
}

}  // namespace veneer::test
