// Many threads that use a mount in every way while it switches, and write down what they saw.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/mount/switch_history.h"
#include "tests/mount/switch_trees.h"

namespace veneer::test {

// What a member of a crowd does, again and again.
enum class Role {
  kRead,  // opens and reads
  kStat,  // stats, and looks for what is not there
  kList,  // lists with small buffers
  kAll,
};
using Roles = std::vector<Role>;

class Crowd {
 public:
  // A thread for each of `roles`. `trees` and `clock` must outlive it.
  Crowd(const std::string& mount, const std::map<std::string, ShownByTree>& trees, TickClock& clock,
        const Roles& roles = Roles(4, Role::kAll));
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Waits until every thread has finished an operation that it began after the call: false if one is held up.
  [[nodiscard]] bool ComesThrough() const;

  // Likewise, and fails the test if one is.
  void WaitForAll() const;

  // Ends the threads. From then on:
  void Stop();
  const std::vector<Seen>& lookups() const { return lookups_; }    // opens and stats: what names lead to
  const std::vector<Seen>& listings() const { return listings_; }  // whole folders
  const std::vector<std::string>& errors() const { return errors_; }
  const std::string& PathOf(const Seen& one) const { return paths_[one.what].first; }

 private:
  struct Member;
  void Open(Member& member) const;
  void Stat(Member& member) const;
  void Miss(Member& member) const;
  void List(Member& member) const;
  void Run(Member& member) const;
  void Add(Member& member, const Seen& one, bool listing) const;

  std::string mount_;
  std::vector<std::pair<std::string, ShownByTree>> paths_;
  std::vector<uint32_t> files_;    // indices of paths_ that are a file in some tree
  std::vector<uint32_t> folders_;  // likewise
  std::vector<uint32_t> misses_;   // that some tree lacks
  TickClock& clock_;
  std::atomic<bool> stop_{false};
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Seen> lookups_;
  std::vector<Seen> listings_;
  std::vector<std::string> errors_;
};

}  // namespace veneer::test
