#include "tests/core/kernel_model.h"

namespace veneer::core::testing {

KernelModel::Folder& KernelModel::FolderOf(NodeId folder) {
  const std::lock_guard lock(folders_mutex_);
  auto& place = folders_[folder];
  if (place == nullptr) place = std::make_unique<Folder>();
  return *place;
}

// What HandleLookup answers.
KernelModel::Entry KernelModel::Ask(NodeId folder, const std::string& name) {
  const uint64_t made = asked_.fetch_add(1, std::memory_order_relaxed);
  const auto moment = tree_->Now();
  const auto node = moment->view->Lookup(folder, name);
  return {node && *node ? (*node)->id : 0, moment->MayKeepEntry(folder, name), made};
}

NodeId KernelModel::Lookup(NodeId number, const std::string& name) {
  Folder& folder = FolderOf(number);
  bool known = false;
  Entry entry;
  {
    const std::lock_guard lock(folder.mutex);
    if (const auto found = folder.entries.find(name); found != folder.entries.end()) {
      entry = found->second;
      known = true;
    }
  }
  if (known && entry.kept) return entry.child;
  if (known) {
    // Revalidation. Another child than before makes the entry go, and a look-up follows.
    const Entry answer = Ask(number, name);
    const std::lock_guard lock(folder.mutex);
    const auto found = folder.entries.find(name);
    const bool same = answer.child != 0 && answer.child == entry.child;
    if (found != folder.entries.end() && found->second.made == entry.made) {
      if (same) {
        found->second.kept = answer.kept;
      } else {
        folder.entries.erase(found);
      }
    }
    if (same) return answer.child;
  }
  const std::shared_lock<FolderLock> folder_lock(folder.lock);
  const Entry answer = Ask(number, name);
  const std::lock_guard lock(folder.mutex);
  folder.entries[name] = answer;
  return answer.child;
}

uint16_t KernelModel::Attributes(NodeId number) {
  Folder& folder = FolderOf(number);
  uint64_t version = 0;
  {
    const std::lock_guard lock(folder.mutex);
    if (folder.attributes_kept) return folder.attributes;
    version = folder.attributes_version;
  }
  // What HandleGetAttr answers.
  asked_.fetch_add(1, std::memory_order_relaxed);
  const auto moment = tree_->Now();
  const auto node = moment->view->Get(number);
  if (!node) return 0;
  const std::lock_guard lock(folder.mutex);
  if (folder.attributes_version == version) {
    folder.attributes = node->slot;
    folder.attributes_kept = moment->MayKeepAttributes(number);
    ++folder.attributes_version;
  }
  return node->slot;
}

// What HandleReadDir answers: some names, and where to go on; 0 at the end.
Result<std::pair<std::vector<std::string>, Cookie>> KernelModel::AskForNames(NodeId folder, Cookie cookie,
                                                                             size_t piece) {
  asked_.fetch_add(1, std::memory_order_relaxed);
  const auto moment = tree_->Now();
  VENEER_ASSIGN(const auto view, tree_->ViewForListing(*moment, cookie));
  VENEER_ASSIGN(FolderLister lister, FolderLister::Open(*view, folder, cookie));
  std::vector<std::string> names;
  while (lister.entry() != nullptr && names.size() < piece) {
    names.emplace_back(lister.entry()->name);
    cookie = lister.entry()->cookie;
    VENEER_TRY(lister.Next());
  }
  return std::pair(std::move(names), lister.entry() == nullptr ? Cookie{0} : cookie);
}

std::vector<std::string> KernelModel::List(NodeId number, size_t piece) {
  Folder& folder = FolderOf(number);
  uint64_t version = 0;
  {
    const std::lock_guard lock(folder.mutex);
    if (folder.listing_kept) return folder.listing;
    version = folder.listing_version;
  }
  std::vector<std::string> names;
  Cookie cookie = 0;
  do {
    const std::shared_lock folder_lock(folder.lock);
    auto some = AskForNames(number, cookie, piece);
    if (!some) return {};
    names.insert(names.end(), some->first.begin(), some->first.end());
    cookie = some->second;
    const std::lock_guard lock(folder.mutex);
    if (cookie == 0 && folder.listing_version == version) {
      folder.listing = names;
      folder.listing_kept = true;
    }
  } while (cookie != 0);
  return names;
}

Status KernelModel::ForgetEntry(NodeId number, std::string_view name) {
  Folder& folder = FolderOf(number);
  const std::unique_lock folder_lock(folder.lock);
  const std::lock_guard lock(folder.mutex);
  folder.entries.erase(std::string(name));
  return {};
}

Status KernelModel::Barrier(NodeId number) {
  const std::unique_lock folder_lock(FolderOf(number).lock);
  return {};
}

Status KernelModel::ForgetAttributes(NodeId number) {
  Folder& folder = FolderOf(number);
  const std::lock_guard lock(folder.mutex);
  folder.attributes_kept = false;
  ++folder.attributes_version;
  return {};
}

Status KernelModel::ForgetFolder(NodeId number) {
  VENEER_TRY(ForgetAttributes(number));
  Folder& folder = FolderOf(number);
  const std::lock_guard lock(folder.mutex);
  folder.listing_kept = false;
  ++folder.listing_version;
  return {};
}

}  // namespace veneer::core::testing
