// The tree that a mount shows, and its atomic switch from one generation to another (design §5).
//
// Readers take the state of the moment and never wait for a switch. A switch goes: Prepare (a look-up of what
// will change still gets the old answer, but one that the kernel may not keep; then the kernel forgets what
// it had of it), Commit (the kernel forgets the folder attributes that differ; one pointer is swapped: the
// instant; then the kernel forgets the listings that differ, and folders that went once more).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/changes.h"
#include "fs/core/folder_lister.h"
#include "fs/core/view.h"

namespace veneer::core {

// What the tree asks of the kernel's caches. Each call returns when the kernel has done it, having waited for
// operations under way in that folder; none of our request handlers ever waits for a call to return. A thing
// that is not cached is no error.
class KernelCache {
 public:
  virtual ~KernelCache() = default;

  // Forgets the entry `name` (positive or negative) of `folder`, and waits for look-ups and listings under
  // way in `folder`.
  virtual Status ForgetEntry(NodeId folder, std::string_view name) = 0;

  // Waits for look-ups and listings under way in `folder`.
  virtual Status Barrier(NodeId folder) = 0;

  // Forgets the attributes of `folder`, and passes over answers about them that are under way.
  virtual Status ForgetAttributes(NodeId folder) = 0;

  // Forgets the listing of `folder`, and its attributes and ACLs too.
  virtual Status ForgetFolder(NodeId folder) = 0;
};

// The tree at one moment: a view, and what of it is about to change. Immutable.
struct Moment {
  std::shared_ptr<const View> view;
  std::shared_ptr<const Changes> pending;  // set between Prepare and Commit

  // Whether the kernel may keep the entry `name` of `folder`, and the attributes of `folder`.
  bool MayKeepEntry(NodeId folder, std::string_view name) const {
    return pending == nullptr || !pending->HasEntry(folder, name);
  }
  bool MayKeepAttributes(NodeId node) const { return pending == nullptr || !pending->HasFolder(node); }
};

// Safe from several threads. Now() and ViewForListing() take a lock for the copy of a pointer and no longer;
// switches take turns.
class LiveTree {
 public:
  // `kernel` must outlive the tree.
  LiveTree(std::shared_ptr<const View> view, KernelCache& kernel);

  std::shared_ptr<const Moment> Now() const;

  // The view in which a listing with `cookie` began: that of `now`, or an older one, made again from its
  // layers if need be. kNotFound for a generation that this tree never showed.
  Result<std::shared_ptr<const View>> ViewForListing(const Moment& now, Cookie cookie) const;

  // What a switch did, or is about to do.
  struct Report {
    uint64_t entries = 0;  // that change
    uint64_t folders = 0;  // whose listing or attributes change
    int64_t longest_wait_us =
        0;  // the longest that the kernel took over one of them: look-ups in that folder waited no longer
  };

  // First half of a switch to `stack` as `generation`: both steps below. Where one fails, the tree is as it
  // was.
  Result<Report> Prepare(uint64_t generation, const std::vector<StackLayer>& stack);

  // What will change is answered in such a way that the kernel keeps none of it. A tree that takes over from
  // another process in the middle of a switch does this before anything asks it. kBusy if a switch is
  // prepared already; errors of building the view.
  Status BeginPrepare(uint64_t generation, const std::vector<StackLayer>& stack);
  // The kernel forgets what it had of that. After BeginPrepare only (kUsage); errors of the kernel.
  Result<Report> FinishPrepare();

  // Second half: the instant. After Prepare only (kUsage), and cannot fail otherwise: where the kernel would
  // not forget a listing, the switch has happened and the report is the error.
  Result<Report> Commit();

  // Takes a Prepare back.
  void Abort();

  // For a tree that takes over a mount from another process, before anything asks it: shows `stack` as
  // `generation` after what it shows now, as a switch would, but with nothing said to the kernel. Errors as
  // Prepare.
  Status Replay(uint64_t generation, const std::vector<StackLayer>& stack);

  // For a tree that takes over where switches that another process began are not finished: what it shows is
  // new already, and the kernel may still have what differed in one of `formers`, the generations from the
  // last one that was finished on. Two steps; both have the errors of reading the layers and of the kernel.
  //
  // Before anything asks the tree: the kernel forgets the attributes of folders that differ. Nobody can have
  // seen anything new yet. Waits for no request. (Entries are no matter: Prepare had them forgotten, and let
  // none be kept.)
  using Views = std::vector<std::shared_ptr<const View>>;
  Status BeginFinish(const Views& formers);
  // While it is asked: the kernel forgets all the rest.
  Result<Report> FinishSwitch(const Views& formers);

  // The generation shown.
  uint64_t generation() const { return Now()->view->generation(); }

  // Lets go of those layers in `slots` of which the kernel holds no node; returns which these are. Their
  // files close as soon as no request uses them. `is_held` is asked of each once no folder gives its nodes
  // out any more. A listing that began in a generation with one of `slots` and goes on later gets kNotFound.
  // kBusy while a switch is prepared, kUsage for a layer that is shown; where the kernel would not forget
  // something, none is let go of.
  using IsHeld = std::function<bool(uint16_t slot)>;
  Result<std::set<uint16_t>> Release(const std::set<uint16_t>& slots, const IsHeld& is_held);

 private:
  void Show(std::shared_ptr<const View> view, std::shared_ptr<const Changes> pending);
  void Remember(const View& view);
  Status GiveOutNoMore(const std::set<uint16_t>& slots);
  void ForgetGenerationsOf(const std::set<uint16_t>& slots);
  Status ForgetPending(const Changes& changes);
  Status ForgetPendingAttributes(const Changes& changes);
  Status ForgetFoldersThatWent(const Changes& changes);
  Status ForgetListings(const Changes& changes);
  void KeepForListings(std::shared_ptr<const View> view) const;
  template <typename Call>
  Status Timed(Call call);

  KernelCache& kernel_;

  std::mutex switch_mutex_;           // one switch step at a time; taken before the others
  std::shared_ptr<const View> next_;  // guarded by switch_mutex_
  Report report_;                     // guarded by switch_mutex_; of the switch under way

  mutable std::mutex moment_mutex_;
  std::shared_ptr<const Moment> moment_;  // guarded by moment_mutex_

  mutable std::mutex history_mutex_;
  mutable std::deque<std::shared_ptr<const View>> recent_;  // guarded by history_mutex_; newest last
  std::map<uint64_t, std::vector<uint16_t>> slots_of_;      // guarded by history_mutex_; by CookieGeneration
};

}  // namespace veneer::core
