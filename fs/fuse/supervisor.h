// One mount: opens the store, verifies the stack, mounts, has a worker serve, and takes orders on its control
// socket. See docs/adr/0004-supervisor-and-worker.md.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/fuse/control_server.h"
#include "fs/fuse/happening.h"
#include "fs/fuse/keeper.h"
#include "fs/fuse/kept_state.h"
#include "fs/fuse/restart_policy.h"
#include "fs/fuse/shared_state.h"
#include "fs/fuse/worker_process.h"

namespace veneer::fuse {

struct MountOptions {
  std::string store;
  std::string trust;                                  // empty: STORE/trust
  std::string target;                                 // absolute path of the mount point
  std::optional<uint64_t> generation;                 // pinned: switches pass this mount by
  unsigned threads = 16;                              // that serve, at least 2
  size_t cache_bytes = 16 << 20;                      // of verified hash and metadata blocks
  unsigned long mount_flags = 0;                      // MS_NOSUID, MS_NODEV, MS_NOEXEC
  bool panic_on_corruption = false;                   // crash the kernel rather than answer EIO
  std::string panic_trigger = "/proc/sysrq-trigger";  // what does that, given a "c"; not handed over
};

// For one thread, and the process must have no other: workers are made by fork.
class Supervisor {
 public:
  // Mounts, with a worker that answers. SIGTERM, SIGINT and SIGHUP are blocked from now on. Errors of the
  // store, its layers and its trust; kNotFound where no generation is current, or not the one asked for;
  // those of MountFuse; kInterrupted if a stop was asked for before (fs/base/cancel.h). `keeper`, if there is
  // one, is given all that Resume needs, and outlives this.
  static Result<std::unique_ptr<Supervisor>> Start(MountOptions options, Log log, Keeper* keeper = nullptr);

  // Takes a live mount over from its supervisor, which is at the other end of `former` and may be another
  // version of this program; readers notice nothing. Where it fails, with the errors of Start, the mount
  // stays with the former one. kBusy while that is in a switch; kUnsupported if it cannot be understood.
  // `keeper` as in Start.
  static Result<std::unique_ptr<Supervisor>> TakeOver(ControlChannel former, Log log,
                                                      Keeper* keeper = nullptr);

  // Goes on with a live mount whose supervisor has died, maybe another version of this program, from the
  // descriptors that `keeper` had of it, by name. If it lives nevertheless, it is killed. Requests that came
  // meanwhile are answered, a switch that the death cut short is finished, and one whose record was written
  // is made. Errors of TakeOver; then the mount goes on waiting for as long as the keeper has the
  // descriptors.
  using Kept = std::map<std::string, UniqueFd>;
  static Result<std::unique_ptr<Supervisor>> Resume(Kept kept, Keeper& keeper, Log log);
  // Whether there is a mount in `kept` to go on with: not where its supervisor has let another have it.
  static bool CanResume(const Kept& kept);
  // Whether that is seen in this process's name space. One that was detached may be used still.
  static bool IsMounted(const Kept& kept);
  // Unmounts what is in `kept`, lazily, with nobody to serve it. For a process that does not serve. kBusy
  // where something else is mounted over it; kIo.
  static Status UnmountKept(const Kept& kept);

  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Keeps a worker serving until the file system is unmounted. SIGTERM and SIGINT unmount it, lazily where it
  // is in use.
  void Run();

 private:
  // A generation that the mount has shown, or is about to.
  struct Shown {
    uint64_t generation = 0;
    std::vector<uint16_t> slots;  // base first
  };

  Supervisor(MountOptions options, catalog::Store store, Log log);

  // supervisor.cc: the life of the mount
  Status Listen();
  Status SetUp();
  Status Mount();
  Status BeginToServe();
  void RunOnce();
  void GoOn();
  void HearWorker(std::span<const pollfd> watched);
  bool TakeStopSignals();
  void UnmountSelf();
  static Status UnmountAt(dev_t mounted, const std::string& target);
  bool HandleReports();
  bool HandleReport();
  void RefuseRequests();
  Counters& counters() const { return (*shared_)->counters; }
  void Unmounted();
  void Say(const Kind& kind, const std::string& text, Fields fields = {});
  void Record(const Happening& happening);

  // supervisor_panic.cc: crashing the kernel
  Status PreparePanic();
  void PanicIfAsked();

  // supervisor_worker.cc: the life of the worker
  Status StartWorker();
  bool MayWaitForWorker();
  void EndOfTheMount();
  Status EndFailed(WorkerProcess& worker, const Error& error);
  using AskFor = std::function<Result<nlohmann::json>(const nlohmann::json&, std::span<const int>)>;
  Status OfferEach(std::span<const uint16_t> slots, const AskFor& ask);
  Status LoadWorker(WorkerProcess& worker);
  void SettleCounts();
  Status PutInPlace(WorkerProcess& worker);
  Status PutToWork(WorkerProcess& worker);
  static nlohmann::json ReportIn(const nlohmann::json& answer);
  static nlohmann::json AsJson(const Shown& shown);
  nlohmann::json HistoryAsJson() const;
  std::vector<uint16_t> OpenSlots() const;
  Status StartWorkerSafely();
  void TryToStartWorker();
  void StartWorkerAtOnce();
  void RefuseForNow();
  void WorkerEnded();
  Result<nlohmann::json> AskWorker(const nlohmann::json& request, std::span<const int> descriptors = {});

  // supervisor_control.cc: what clients ask for
  Result<catalog::GenerationRecord> WantedGeneration(const catalog::Catalog& catalog) const;
  Result<Shown> OpenWanted();
  Result<Shown> OpenLayers(const catalog::Catalog& catalog, uint64_t number,
                           const std::vector<std::string>& ids);
  std::vector<std::string> LayersOf(const Shown& shown) const;
  Status CheckNumber(uint64_t number, const std::vector<std::string>& ids) const;
  Result<ControlServer::Answer> Answer(ControlServer::ClientId client, const nlohmann::json& request);
  Result<nlohmann::json> Prepare(ControlServer::ClientId client, const nlohmann::json& request);
  Result<nlohmann::json> PrepareWorker(Shown shown);
  Status FollowRecord();
  Status OfferLayers(const Shown& shown);
  nlohmann::json Commit();
  nlohmann::json CommitByWorker();
  void CloseOpening();
  void Abort();
  void ForgetHistory();
  void Gone(ControlServer::ClientId client);
  void SettleByRecord();
  Result<nlohmann::json> Release();
  nlohmann::json Describe() const;
  nlohmann::json DescribeCounters() const;
  nlohmann::json DescribeLayers() const;

  // supervisor_handover.cc: another supervisor takes its place
  Result<ControlServer::Answer> HandOver(ControlServer::ClientId client);
  Result<nlohmann::json> LetGo();
  nlohmann::json StateAsJson() const;
  static Result<Message> ReadKept(const KeptState& kept_state, Kept& kept);
  static Result<std::unique_ptr<Supervisor>> Inherit(Message state, Log log);
  Status InheritState(Message state);
  Status InheritLayers(const nlohmann::json& layers, std::span<UniqueFd> files);
  void Keep();
  void HoldProgram();
  Status AskKeeper(Keeper* keeper);
  void KeeperGone();

  MountOptions options_;
  catalog::Store store_;
  Log log_;
  WorkerSetup setup_;
  std::optional<SharedMemory> shared_;
  std::unique_ptr<ControlServer> control_;
  UniqueFd signals_;        // signalfd
  UniqueFd device_;         // /dev/fuse
  UniqueFd panic_trigger_;  // these three where damage crashes the kernel
  UniqueFd panic_line_;     // on which a worker asks for that, by a byte, and hears by another of failure
  UniqueFd workers_panic_line_;  // its other end
  Bytes init_;                   // the kernel's first message
  dev_t mounted_ = 0;            // st_dev of what is in the mount
  bool unmounted_ = false;       // or handed over: there is nothing left to do
  bool stop_asked_ = false;      // and not seen to yet

  std::map<uint16_t, catalog::Store::SealedLayer> layers_;  // open, by slot
  std::set<uint16_t> opening_;  // of them, those that only a generation has which is not shown yet
  std::deque<Shown> history_;   // oldest first; the last one is shown
  bool lost_events_ = false;    // and said so
  uint64_t settled_ = 0;        // the last generation that a worker finished switching to
  std::optional<Shown> prepared_;
  ControlServer::ClientId preparing_ = 0;    // who prepared; 0: nobody
  ControlServer::ClientId taking_over_ = 0;  // who is about to take the mount over; 0: nobody

  Keeper* keeper_ = nullptr;
  std::optional<KeptState> kept_state_;   // where there is a keeper
  std::set<std::string> kept_;            // names of what he has
  std::optional<KeptState> handed_over_;  // where somebody is about to take the mount over: see LetGo
  std::optional<KeptState> former_;       // that of the one from whom this one is taking it over

  ProcessId self_;                       // this process
  ProcessId serving_;                    // the last worker that was started
  std::optional<WorkerProcess> worker_;  // nothing while it is down
  std::vector<pid_t> unreaped_;          // former ones that the kernel did not let end
  RestartPolicy restarts_;
  int64_t worker_started_ = 0;       // steady milliseconds
  int64_t worker_serves_since_ = 0;  // likewise; it had to load first
  int64_t next_start_ = 0;           // likewise; when a worker that is down is started again
  bool refusing_ = false;            // requests get EIO until then
  bool deaf_ = false;                // they wait all the same: the device failed, or see PrepareWorker
  std::string last_death_;           // what ended the last worker that died
  nlohmann::json finished_switch_;   // the report of a switch that a new worker finished
};

}  // namespace veneer::fuse
