#include "fs/fuse/damage_reporter.h"

#include <new>
#include <utility>

namespace veneer::fuse {
namespace {

Error Last(const Error& error) {
  return Error(error.code(), fmt::format("{}; this is number {} of its layer, and more of them are not told",
                                         error.message(), DamageReporter::kMostOfLayer));
}

}  // namespace

DamageReporter::DamageReporter(Tell tell, std::atomic<uint64_t>& untold)
    : tell_(std::move(tell)), untold_(untold), thread_([this] { Run(); }) {}

DamageReporter::~DamageReporter() {
  Finish();
}

void DamageReporter::Finish() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DamageReporter::Report(core::NodeId node, const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    std::set<std::string>& known = known_[core::SlotOf(node)];
    if (known.contains(error.message())) return;
    if (known.size() == kMostOfLayer) {
      ++untold_;
      return;
    }
    known.insert(error.message());
    const bool last = known.size() == kMostOfLayer;
    failures_.push_back({node, last ? Last(error) : error});
  }
  changed_.notify_one();
}

void DamageReporter::Forget(uint16_t slot) {
  const std::lock_guard lock(mutex_);
  known_.erase(slot);
}

void DamageReporter::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !failures_.empty(); });
    if (failures_.empty()) return;
    const Failure failure = std::move(failures_.front());
    failures_.pop_front();
    lock.unlock();
    try {
      tell_(failure.node, failure.error);
    } catch (const std::bad_alloc&) {  // told no more, but counted; the process goes on
    }
    lock.lock();
  }
}

}  // namespace veneer::fuse
