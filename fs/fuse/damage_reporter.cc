#include "fs/fuse/damage_reporter.h"

#include <new>
#include <utility>

namespace veneer::fuse {
namespace {

constexpr size_t kMostReported = 1000;

}  // namespace

DamageReporter::DamageReporter(Tell tell) : tell_(std::move(tell)), thread_([this] { Run(); }) {}

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
    if (known_.size() >= kMostReported || !known_.insert(error.message()).second) return;
    failures_.push_back({node, error});
  }
  changed_.notify_one();
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
