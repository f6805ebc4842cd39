#include "fs/fuse/lookup_journal.h"

#include <linux/fuse.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

using core::MakeNodeId;

// What a process that may be killed shares with the one that comes after it.
struct Shared {
  LookupCounts counts;
  LookupJournal journal;
  std::atomic<int> sent;
};

class SharedPlace {
 public:
  SharedPlace()
      : place_(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(place_ != MAP_FAILED);
  }
  ~SharedPlace() { ::munmap(place_, sizeof(Shared)); }
  SharedPlace(const SharedPlace&) = delete;
  SharedPlace& operator=(const SharedPlace&) = delete;
  Shared* operator->() const { return static_cast<Shared*>(place_); }

  // A child does `act`, which is to be its end.
  template <typename Act>
  void DieAt(const Act& act) const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      act();
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFSIGNALED(status));
  }

  void Clear() const { std::memset(place_, 0, sizeof(Shared)); }
  bool IsEmpty() const {
    for (unsigned slot = 0; slot < 65536; ++slot) {
      if ((*this)->counts.Of(static_cast<uint16_t>(slot)) != 0) return false;
    }
    return true;
  }

 private:
  void* place_;
};

bool Unanswered(uint64_t) {
  return true;
}
bool Answered(uint64_t) {
  return false;
}

// As the kernel would write it.
template <typename... Parts>
void Receive(LookupJournal& journal, uint32_t opcode, core::NodeId node, const Parts&... parts) {
  uint8_t* place = journal.BeginRequest().data();
  fuse_in_header header{};
  header.len = sizeof header + (0 + ... + sizeof parts);
  header.opcode = opcode;
  header.unique = 10;
  header.nodeid = node;
  std::memcpy(place, &header, sizeof header);
  size_t offset = sizeof header;
  const auto put = [&](const auto& part) {
    std::memcpy(place + offset, &part, sizeof part);
    offset += sizeof part;
  };
  (put(parts), ...);
}

TEST_CASE("an answer is counted where it was sent, and not where it could not be") {
  const SharedPlace shared;
  const std::vector<core::NodeId> nodes = {MakeNodeId(3, 1), MakeNodeId(4, 1), MakeNodeId(3, 2)};
  shared->journal.Answer(shared->counts, 10, nodes, [] { return 0; });
  CHECK(shared->counts.Of(3) == 2);
  CHECK(shared->counts.Of(4) == 1);
  shared->journal.Answer(shared->counts, 12, nodes, [] { return -2; });
  CHECK(shared->counts.Of(3) == 2);
  CHECK(shared->counts.Of(4) == 1);
  // It has ended: there is nothing to be set right.
  shared->journal.Settle(shared->counts, Unanswered);
  CHECK(shared->counts.Of(3) == 2);
}

TEST_CASE("one who dies in an answer has counted it if the kernel has it, and not otherwise") {
  const SharedPlace shared;
  const std::vector<core::NodeId> nodes = {MakeNodeId(3, 1), MakeNodeId(4, 1), MakeNodeId(3, 2)};
  uint64_t asked = 0;
  for (const uint64_t unique : {10U, 12U}) {
    shared.DieAt(
        [&] { shared->journal.Answer(shared->counts, unique, nodes, [] { return ::raise(SIGKILL); }); });
    shared->journal.Settle(shared->counts, [&](uint64_t of) {
      asked = of;
      return of == 10;
    });
    CHECK(asked == unique);
  }
  CHECK(shared->counts.Of(3) == 2);
  CHECK(shared->counts.Of(4) == 1);
  asked = 0;
  shared->journal.Settle(shared->counts, [&](uint64_t of) { return (asked = of) != 0; });
  CHECK(asked == 0);
  CHECK(shared->counts.Of(3) == 2);
}

TEST_CASE("nodes of more layers than can be noted are counted, and stay so where it is in doubt") {
  const SharedPlace shared;
  std::vector<core::NodeId> nodes;
  for (uint16_t slot = 1; slot <= core::kMaxStack + 2; ++slot) nodes.push_back(MakeNodeId(slot, 1));
  shared.DieAt([&] { shared->journal.Answer(shared->counts, 10, nodes, [] { return ::raise(SIGKILL); }); });
  CHECK(shared->counts.Of(1) == 1);
  CHECK(shared->counts.Of(core::kMaxStack + 1) == 1);
  shared->journal.Settle(shared->counts, Unanswered);
  CHECK(shared->counts.Of(1) == 0);
  CHECK(shared->counts.Of(core::kMaxStack) == 0);
  CHECK(shared->counts.Of(core::kMaxStack + 1) == 1);
  CHECK(shared->counts.Of(core::kMaxStack + 2) == 1);
}

TEST_CASE("what the kernel gives back is given back once, by whoever comes to it") {
  const SharedPlace shared;
  shared->counts.Add(3, 5);
  shared->counts.Add(4, 5);
  SECTION("one node") {
    Receive(shared->journal, FUSE_FORGET, MakeNodeId(3, 7), fuse_forget_in{5});
    shared.DieAt([] { ::raise(SIGKILL); });
    shared->journal.Settle(shared->counts, Answered);
    shared->journal.Settle(shared->counts, Answered);
    CHECK(shared->counts.Of(3) == 0);
  }
  SECTION("one node, done already") {
    Receive(shared->journal, FUSE_FORGET, MakeNodeId(3, 7), fuse_forget_in{2});
    CHECK(shared->journal.GiveBack(shared->counts));
    shared->journal.Settle(shared->counts, Answered);
    CHECK(shared->counts.Of(3) == 3);
  }
  SECTION("several") {
    Receive(shared->journal, FUSE_BATCH_FORGET, 0, fuse_batch_forget_in{3, 0},
            fuse_forget_one{MakeNodeId(3, 7), 1}, fuse_forget_one{MakeNodeId(4, 7), 5},
            fuse_forget_one{MakeNodeId(3, 8), 2});
    CHECK(shared->journal.GiveBack(shared->counts));
    CHECK(shared->journal.GiveBack(shared->counts));
    shared->journal.Settle(shared->counts, Answered);
    CHECK(shared->counts.Of(3) == 2);
    CHECK(shared->counts.Of(4) == 0);
  }
  SECTION("the next request begins anew") {
    Receive(shared->journal, FUSE_FORGET, MakeNodeId(3, 7), fuse_forget_in{1});
    CHECK(shared->journal.GiveBack(shared->counts));
    Receive(shared->journal, FUSE_FORGET, MakeNodeId(3, 7), fuse_forget_in{1});
    CHECK(shared->journal.GiveBack(shared->counts));
    CHECK(shared->counts.Of(3) == 3);
  }
  SECTION("a request that wants an answer gives nothing back") {
    Receive(shared->journal, FUSE_GETATTR, MakeNodeId(3, 7), fuse_getattr_in{});
    CHECK_FALSE(shared->journal.GiveBack(shared->counts));
    CHECK(shared->journal.request().unique() == 10);
    CHECK(shared->counts.Of(3) == 5);
  }
}

TEST_CASE("what was read in part gives back what is there, and nothing of what was read before") {
  const SharedPlace shared;
  shared->counts.Add(3, 5);
  Receive(shared->journal, FUSE_BATCH_FORGET, 0, fuse_batch_forget_in{2, 0},
          fuse_forget_one{MakeNodeId(3, 7), 1}, fuse_forget_one{MakeNodeId(3, 8), 1});
  CHECK(shared->journal.GiveBack(shared->counts));
  Receive(shared->journal, FUSE_BATCH_FORGET, 0, fuse_batch_forget_in{2, 0},
          fuse_forget_one{MakeNodeId(3, 9), 1});
  shared->journal.Settle(shared->counts, Answered);
  CHECK(shared->counts.Of(3) == 2);
}

#ifdef __x86_64__  // elsewhere no atomic access may come to its end in single steps

// Runs `act` in a child, one instruction after the other, and calls `look` between any two.
template <typename Act, typename Look>
void StepThrough(const Act& act, const Look& look) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    ::raise(SIGSTOP);
    act();
    ::raise(SIGKILL);
  }
  int status = 0;
  size_t steps = 0;
  while (::waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
    look();
    ++steps;
    if (::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) ::kill(pid, SIGKILL);
  }
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
  CHECK(steps > 50);
}

// What the counts of the slots 3 and 4 come to, were the process that works on `shared` killed now.
std::pair<int64_t, int64_t> Settled(const SharedPlace& shared, bool unanswered) {
  static const SharedPlace copy;
  std::memcpy(static_cast<void*>(copy.operator->()), shared.operator->(), sizeof(Shared));
  copy->journal.Settle(copy->counts, [&](uint64_t) { return unanswered; });
  return {copy->counts.Of(3), copy->counts.Of(4)};
}

void ReceiveThree(LookupJournal& journal) {
  Receive(journal, FUSE_BATCH_FORGET, 0, fuse_batch_forget_in{3, 0}, fuse_forget_one{MakeNodeId(3, 7), 1},
          fuse_forget_one{MakeNodeId(4, 7), 5}, fuse_forget_one{MakeNodeId(3, 8), 2});
}

TEST_CASE("at whatever instant one is killed, no count comes out too low") {
  const SharedPlace shared;
  const std::vector<core::NodeId> nodes = {MakeNodeId(3, 1), MakeNodeId(4, 1), MakeNodeId(3, 2)};
  // Too low, or higher than it ever was.
  size_t wrong = 0;
  const auto look = [&](bool unanswered, int64_t least3, int64_t most3, int64_t least4, int64_t most4) {
    const auto [of3, of4] = Settled(shared, unanswered);
    if (of3 < least3 || of3 > most3 || of4 < least4 || of4 > most4) ++wrong;
  };
  SECTION("in an answer that is sent") {
    StepThrough(
        [&] { shared->journal.Answer(shared->counts, 10, nodes, [&] { return shared->sent = 1, 0; }); },
        [&] { look(shared->sent == 0, shared->sent * 2, 2, shared->sent, 1); });
    CHECK(shared->counts.Of(3) == 2);
  }
  SECTION("in an answer that cannot be sent") {
    const bool unanswered = GENERATE(false, true);
    StepThrough([&] { shared->journal.Answer(shared->counts, 10, nodes, [] { return -2; }); },
                [&] { look(unanswered, 0, 2, 0, 1); });
    CHECK(shared->counts.Of(3) == 0);
  }
  SECTION("giving back") {
    shared->counts.Add(3, 5);
    shared->counts.Add(4, 5);
    ReceiveThree(shared->journal);
    StepThrough([&] { shared->journal.GiveBack(shared->counts); }, [&] { look(false, 2, 5, 0, 5); });
    CHECK(shared->counts.Of(3) == 2);
    // What was done is not done again.
    StepThrough([&] { shared->journal.BeginRequest(); }, [&] { look(false, 2, 2, 0, 0); });
    StepThrough([&] { Receive(shared->journal, FUSE_FORGET, MakeNodeId(3, 7), fuse_forget_in{2}); },
                [&] { look(false, 0, 2, 0, 0); });
  }
  SECTION("setting right what another left") {
    shared->counts.Add(3, 5);
    shared->counts.Add(4, 5);
    ReceiveThree(shared->journal);
    shared.DieAt([&] { shared->journal.Answer(shared->counts, 10, nodes, [] { return ::raise(SIGKILL); }); });
    StepThrough([&] { shared->journal.Settle(shared->counts, Unanswered); }, [&] { look(true, 2, 7, 0, 6); });
    CHECK(shared->counts.Of(3) == 2);
    CHECK(shared->counts.Of(4) == 0);
  }
  CHECK(wrong == 0);
}

#endif

TEST_CASE("one that says more than it holds is read as far as it goes") {
  const SharedPlace shared;
  std::memset(static_cast<void*>(&shared->journal), 0xff, sizeof(LookupJournal));
  shared->journal.Settle(shared->counts, Unanswered);
  CHECK(shared->journal.request().size() == 0);
  shared.Clear();
  Receive(shared->journal, FUSE_BATCH_FORGET, 0, fuse_batch_forget_in{UINT32_MAX, 0});
  shared->journal.Settle(shared->counts, Answered);
  CHECK(shared.IsEmpty());
}

}  // namespace
}  // namespace veneer::fuse
