// One mount's server: opens the store, verifies the stack, mounts, serves, and takes orders on its control
// socket.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/core/live_tree.h"
#include "fs/fuse/context.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/damage_reporter.h"
#include "fs/fuse/session.h"
#include "fs/verity/block_cache.h"

namespace veneer::fuse {

enum class Severity { kError, kWarning, kInfo };

// Takes the server's log lines. Called from several threads.
using Log = std::function<void(Severity, const std::string& line)>;

struct ServerOptions {
  std::string store;
  std::string trust;                   // empty: STORE/trust
  std::string target;                  // absolute path of the mount point
  std::optional<uint64_t> generation;  // pinned: switches pass this mount by
  unsigned threads = 16;               // that serve, at least 2
  size_t cache_bytes = 16 << 20;       // of verified hash and metadata blocks
  unsigned long mount_flags = 0;       // MS_NOSUID, MS_NODEV, MS_NOEXEC
  bool panic_on_corruption = false;    // crash the kernel rather than answer EIO
};

class Server final : public FailureSink {
 public:
  // Mounts. The file system answers once Serve runs. Errors of the store, its layers and its trust; kNotFound
  // where no generation is current, or not the one asked for; those of MountFuse.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Log log);
  ~Server() override;

  // Serves until the file system is unmounted. `on_ready` is called once, when it answers.
  void Serve(const std::function<void()>& on_ready);

  void OnFailure(core::NodeId node, const Error& error) override;

 private:
  Server(ServerOptions options, catalog::Store store, Log log);

  struct Stack {
    uint64_t generation = 0;
    std::vector<core::StackLayer> layers;
  };

  Status Load();
  Result<uint64_t> WantedGeneration() const;
  Result<Stack> OpenGeneration(uint64_t number);
  Result<Stack> OpenLayers(const catalog::Catalog& catalog, uint64_t number,
                           const std::vector<std::string>& ids);

  Result<nlohmann::json> Answer(ControlServer::ClientId client, const nlohmann::json& request);
  Result<nlohmann::json> Prepare(ControlServer::ClientId client, const nlohmann::json& request);
  Result<nlohmann::json> Commit(ControlServer::ClientId client);
  void Gone(ControlServer::ClientId client);
  Result<nlohmann::json> Release();
  nlohmann::json Describe() const;
  void TellFailure(core::NodeId node, const Error& error) const;
  std::string NameOf(core::NodeId node) const;

  ServerOptions options_;
  catalog::Store store_;
  Log log_;
  std::shared_ptr<verity::BlockCache> cache_;
  Counters counters_;
  LookupCounts lookup_counts_;
  NotifyingKernelCache kernel_;
  std::unique_ptr<core::LiveTree> tree_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<Session> session_;
  ControlServer::ClientId preparing_ = 0;  // the control thread's own; 0: nobody
  uint64_t prepared_generation_ = 0;       // the control thread's own; what it prepared

  mutable std::mutex layers_mutex_;
  std::map<std::string, std::shared_ptr<const layer::Layer>> layers_;  // guarded by layers_mutex_; by id

  // Last: their threads use all the others.
  DamageReporter reporter_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace veneer::fuse
