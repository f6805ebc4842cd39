#include "fs/core/live_tree.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace veneer::core {
namespace {

// Views kept ready for listings that a switch overtook; older ones are built again when asked for.
constexpr size_t kRecentViews = 8;

tl::unexpected<Error> NothingPrepared() {
  return Fail(ErrorCode::kUsage, "no switch is prepared");
}

}  // namespace

LiveTree::LiveTree(std::shared_ptr<const View> view, KernelCache& kernel) : kernel_(kernel) {
  Remember(*view);
  Show(std::move(view), nullptr);
}

std::shared_ptr<const Moment> LiveTree::Now() const {
  const std::lock_guard lock(moment_mutex_);
  return moment_;
}

void LiveTree::Show(std::shared_ptr<const View> view, std::shared_ptr<const Changes> pending) {
  auto moment = std::make_shared<const Moment>(Moment{std::move(view), std::move(pending)});
  const std::lock_guard lock(moment_mutex_);
  std::swap(moment_, moment);  // the old one goes after the lock
}

// Keeps what a listing needs that was begun in `view` and goes on after it.
void LiveTree::Remember(const View& view) {
  std::vector<uint16_t> slots;
  for (const StackLayer& layer : view.stack()) slots.push_back(layer.slot);
  const std::lock_guard lock(history_mutex_);
  slots_of_[CookieGeneration(view.generation())] = std::move(slots);
}

Result<std::shared_ptr<const View>> LiveTree::ViewForListing(const Moment& now, Cookie cookie) const {
  const uint64_t wanted = GenerationInCookie(cookie);
  if (cookie == 0 || wanted == CookieGeneration(now.view->generation())) return now.view;

  std::vector<StackLayer> stack;
  {
    const std::lock_guard lock(history_mutex_);
    for (const auto& view : recent_) {
      if (CookieGeneration(view->generation()) == wanted) return view;
    }
    const auto found = slots_of_.find(wanted);
    if (found == slots_of_.end())
      return Fail(ErrorCode::kNotFound, "listing position {:#x} is of no generation", cookie);
    for (const uint16_t slot : found->second) stack.push_back({slot, now.view->table().Get(slot)});
  }
  // A cookie knows its generation as a remainder; the view that is built answers to the same one.
  VENEER_ASSIGN(auto view, View::Build(wanted - 1, stack, now.view->table()));
  KeepForListings(view);
  return view;
}

void LiveTree::KeepForListings(std::shared_ptr<const View> view) const {
  const std::lock_guard lock(history_mutex_);
  recent_.push_back(std::move(view));
  if (recent_.size() > kRecentViews) recent_.pop_front();
}

// Runs one request to the kernel and keeps the longest time that any took.
template <typename Call>
Status LiveTree::Timed(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  Status status = call();
  const auto took = std::chrono::steady_clock::now() - begin;
  report_.longest_wait_us =
      std::max(report_.longest_wait_us, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  return status;
}

Status LiveTree::ForgetPending(const Changes& changes) {
  std::set<NodeId> parents;
  for (const Changes::Part* part : changes.parts()) {
    for (const ChangedEntry& entry : part->entries) {
      VENEER_TRY(Timed([&] { return kernel_.ForgetEntry(entry.folder, entry.name()); }));
    }
    for (const ChangedFolder& folder : part->folders) {
      if (folder.parent != 0) parents.insert(folder.parent);
    }
  }
  // A look-up under way could still bring an old folder's attributes into a new inode.
  for (const NodeId parent : parents) VENEER_TRY(Timed([&] { return kernel_.Barrier(parent); }));
  return {};
}

// Just before the instant rather than in Prepare: until then every walk through such a folder would ask for
// its attributes. They come with a timeout of 0 as long as the switch is pending.
Status LiveTree::ForgetPendingAttributes(const Changes& changes) {
  Status status;
  for (const Changes::Part* part : changes.parts()) {
    for (const ChangedFolder& folder : part->folders) {
      Status step = Timed([&] { return kernel_.ForgetAttributes(folder.folder); });
      if (!step && status) status = std::move(step);
    }
  }
  return status;
}

// Once more, after the instant. An entry of a folder that was forgotten comes back when the folder is looked
// up again, and an answer that was given before Prepare, and whose asker was slow to take it, could still
// make it one to keep. Nothing waits for such an asker: he holds no lock.
Status LiveTree::ForgetFoldersThatWent(const Changes& changes) {
  Status status;
  for (const Changes::Part* part : changes.parts()) {
    for (const ChangedEntry& entry : part->entries) {
      if (!entry.was_folder) continue;
      Status step = Timed([&] { return kernel_.ForgetEntry(entry.folder, entry.name()); });
      if (!step && status) status = std::move(step);
    }
  }
  return status;
}

Status LiveTree::ForgetListings(const Changes& changes) {
  Status status;
  for (const NodeId folder : changes.Stale()) {
    Status step = Timed([&] { return kernel_.Barrier(folder); });
    if (step) step = Timed([&] { return kernel_.ForgetFolder(folder); });
    if (!step && status) status = std::move(step);
  }
  return status;
}

Result<LiveTree::Report> LiveTree::Prepare(uint64_t generation, const std::vector<StackLayer>& stack) {
  VENEER_TRY(BeginPrepare(generation, stack));
  return FinishPrepare();
}

Status LiveTree::BeginPrepare(uint64_t generation, const std::vector<StackLayer>& stack) {
  const std::lock_guard lock(switch_mutex_);
  if (next_ != nullptr)
    return Fail(ErrorCode::kBusy, "a switch to generation {} is under way", next_->generation());
  const std::shared_ptr<const View> now = Now()->view;
  VENEER_ASSIGN(auto next, View::Build(generation, stack, now->table(), now.get()));
  VENEER_ASSIGN(Changes changes, Changes::Between(*now, *next));
  next_ = std::move(next);
  Show(now, std::make_shared<const Changes>(std::move(changes)));
  return {};
}

Result<LiveTree::Report> LiveTree::FinishPrepare() {
  const std::lock_guard lock(switch_mutex_);
  if (next_ == nullptr) return NothingPrepared();
  const std::shared_ptr<const Moment> now = Now();
  report_ = {now->pending->entries().size(), now->pending->Stale().size(), 0};
  if (Status forgotten = ForgetPending(*now->pending); !forgotten) {
    next_ = nullptr;
    Show(now->view, nullptr);
    return tl::unexpected<Error>(std::move(forgotten).error());
  }
  Remember(*next_);
  return report_;
}

Result<LiveTree::Report> LiveTree::Commit() {
  const std::lock_guard lock(switch_mutex_);
  if (next_ == nullptr) return NothingPrepared();
  const std::shared_ptr<const Moment> before = Now();
  KeepForListings(before->view);
  Status attributes = ForgetPendingAttributes(*before->pending);
  Show(std::exchange(next_, nullptr), nullptr);
  const Status folders = ForgetFoldersThatWent(*before->pending);
  VENEER_TRY(ForgetListings(*before->pending));
  VENEER_TRY(attributes);
  VENEER_TRY(folders);
  return report_;
}

Status LiveTree::Replay(uint64_t generation, const std::vector<StackLayer>& stack) {
  const std::lock_guard lock(switch_mutex_);
  const std::shared_ptr<const View> now = Now()->view;
  VENEER_ASSIGN(auto next, View::Build(generation, stack, now->table(), now.get()));
  KeepForListings(now);
  Remember(*next);
  Show(std::move(next), nullptr);
  return {};
}

Status LiveTree::BeginFinish(const Views& formers) {
  const std::lock_guard lock(switch_mutex_);
  for (const auto& former : formers) {
    VENEER_ASSIGN(const Changes changes, Changes::Between(*former, *Now()->view));
    VENEER_TRY(ForgetPendingAttributes(changes));
  }
  return {};
}

// What is shown already is the new view, so nothing that comes in meanwhile can be old.
Result<LiveTree::Report> LiveTree::FinishSwitch(const Views& formers) {
  const std::lock_guard lock(switch_mutex_);
  report_ = {};
  for (const auto& former : formers) {
    VENEER_ASSIGN(const Changes changes, Changes::Between(*former, *Now()->view));
    report_.entries += changes.entries().size();
    report_.folders += changes.Stale().size();
    VENEER_TRY(ForgetPending(changes));
    VENEER_TRY(ForgetListings(changes));
  }
  return report_;
}

Result<std::set<uint16_t>> LiveTree::Release(const std::set<uint16_t>& slots, const IsHeld& is_held) {
  const std::lock_guard lock(switch_mutex_);
  if (next_ != nullptr)
    return Fail(ErrorCode::kBusy, "a switch to generation {} is under way", next_->generation());
  for (const StackLayer& layer : Now()->view->stack()) {
    if (slots.contains(layer.slot))
      return Fail(ErrorCode::kUsage, "the layer in slot {} is shown", layer.slot);
  }
  VENEER_TRY(GiveOutNoMore(slots));
  std::set<uint16_t> idle;
  std::copy_if(slots.begin(), slots.end(), std::inserter(idle, idle.end()), std::not_fn(is_held));
  const std::shared_ptr<const View> now = Now()->view;
  VENEER_ASSIGN(auto view,
                View::Build(now->generation(), now->stack(), *now->table().Without(idle), now.get()));
  Show(std::move(view), nullptr);
  return idle;
}

// Departed folders may have parts in these layers, and give out nodes of them to whoever works there. When
// this returns, none does, and none that did is under way.
Status LiveTree::GiveOutNoMore(const std::set<uint16_t>& slots) {
  const std::shared_ptr<const View> now = Now()->view;
  VENEER_ASSIGN(auto view, View::Build(now->generation(), now->stack(), now->table(), now.get(), slots));
  VENEER_ASSIGN(const Changes found, Changes::Between(*now, *view));
  const auto changes = std::make_shared<const Changes>(found);
  Show(now, changes);
  if (Status forgotten = ForgetPending(*changes); !forgotten) {
    Show(now, nullptr);
    return forgotten;
  }
  ForgetGenerationsOf(slots);
  Status attributes = ForgetPendingAttributes(*changes);
  Show(std::move(view), nullptr);
  VENEER_TRY(ForgetListings(*changes));
  return attributes;
}

void LiveTree::ForgetGenerationsOf(const std::set<uint16_t>& slots) {
  const std::lock_guard lock(history_mutex_);
  recent_.clear();  // their tables hold the layers
  std::erase_if(slots_of_, [&](const auto& generation) {
    return std::any_of(generation.second.begin(), generation.second.end(),
                       [&](uint16_t slot) { return slots.contains(slot); });
  });
}

void LiveTree::Abort() {
  const std::lock_guard lock(switch_mutex_);
  if (next_ == nullptr) return;
  next_ = nullptr;
  Show(Now()->view, nullptr);
}

}  // namespace veneer::core
