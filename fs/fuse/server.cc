#include "fs/fuse/server.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fs/core/stack.h"
#include "fs/fuse/mount_table.h"
#include "fs/io/file_ops.h"
#include "fs/scan/path_index.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Crashes the kernel at once, as dm-verity's panic_on_corruption does.
void Panic(const Log& log) {
  const UniqueFd trigger(::open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC));
  if (trigger && ::write(trigger.get(), "c", 1) == 1) return;
  log(Severity::kError, "/proc/sysrq-trigger: cannot be written, so there is no panic");
}

}  // namespace

Server::Server(ServerOptions options, catalog::Store store, Log log)
    : options_(std::move(options)),
      store_(std::move(store)),
      log_(std::move(log)),
      cache_(std::make_shared<verity::BlockCache>(options_.cache_bytes)),
      reporter_([this](core::NodeId node, const Error& error) { TellFailure(node, error); }) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Log log) {
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(options.store, options.trust));
  std::unique_ptr<Server> server(new Server(std::move(options), std::move(store), std::move(log)));
  const std::string folder = ControlFolder(server->store_.identity());
  VENEER_TRY(io::MakeFolders(folder));
  VENEER_ASSIGN(server->control_, ControlServer::Listen(fmt::format("{}/{}.sock", folder, ::getpid())));
  VENEER_TRY(server->Load());
  VENEER_ASSIGN(UniqueFd device,
                MountFuse(server->store_.path(), server->options_.target, server->options_.mount_flags));
  server->context_ =
      std::make_unique<Context>(Context{*server->tree_, server->lookup_counts_, server->counters_, *server});
  auto session = Session::Create(std::move(device), *server->context_, server->kernel_);
  if (!session) {
    static_cast<void>(Unmount(server->options_.target, true));
    return tl::unexpected<Error>(std::move(session).error());
  }
  server->session_ = std::move(*session);
  return server;
}

Result<uint64_t> Server::WantedGeneration() const {
  if (options_.generation) return *options_.generation;
  VENEER_ASSIGN(const auto catalog, store_.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  if (state.current == 0) {
    return Fail(ErrorCode::kNotFound, "{}: no generation is current; run: veneer install BASE --activate",
                store_.path());
  }
  return state.current;
}

// The control socket listens already: a switch whose record comes after this finds the mount, and takes it
// along.
Status Server::Load() {
  VENEER_ASSIGN(const uint64_t wanted, WantedGeneration());
  VENEER_ASSIGN(const Stack stack, OpenGeneration(wanted));
  VENEER_ASSIGN(auto view, core::View::Build(wanted, stack.layers));
  tree_ = std::make_unique<core::LiveTree>(std::move(view), kernel_);
  return {};
}

Result<Server::Stack> Server::OpenGeneration(uint64_t number) {
  VENEER_ASSIGN(const auto catalog, store_.OpenCatalogForReading());
  VENEER_ASSIGN(const auto record, catalog->Generation(number));
  if (!record)
    return Fail(ErrorCode::kNotFound, "{}: no generation {}; run: veneer history", store_.path(), number);
  return OpenLayers(*catalog, number, record->layers);
}

Result<Server::Stack> Server::OpenLayers(const catalog::Catalog& catalog, uint64_t number,
                                         const std::vector<std::string>& ids) {
  VENEER_ASSIGN(const auto trust, store_.LoadTrust());
  Stack stack{number, {}};
  for (const std::string& id : ids) {
    std::shared_ptr<const layer::Layer> layer;
    {
      const std::lock_guard lock(layers_mutex_);
      if (const auto found = layers_.find(id); found != layers_.end()) layer = found->second;
    }
    if (layer == nullptr) {
      VENEER_ASSIGN(const auto record, catalog.Layer(id));
      if (!record) return Fail(ErrorCode::kDamaged, "{}: the catalog has no layer {}", store_.path(), id);
      VENEER_ASSIGN(layer, store_.OpenLayer(*record, *trust, cache_));
      const std::lock_guard lock(layers_mutex_);
      layers_.emplace(id, layer);
    }
    stack.layers.push_back(core::StackLayerOf(layer));
  }
  return stack;
}

void Server::Serve(const std::function<void()>& on_ready) {
  control_->Start({[this](auto client, const json& request) { return Answer(client, request); },
                   [this](auto client) { Gone(client); }});
  on_ready();
  session_->Serve(std::max(2U, options_.threads));
  control_.reset();
}

Result<json> Server::Answer(ControlServer::ClientId client, const json& request) {
  const std::string what = request.value("request", "");
  if (what == "status") return Describe();
  if (what == "prepare") return Prepare(client, request);
  if (what == "commit") return Commit(client);
  if (what == "release") return Release();
  if (what == "abort") {
    if (preparing_ == client) {
      tree_->Abort();
      preparing_ = 0;
    }
    return json::object();
  }
  return Fail(ErrorCode::kUsage, "control socket: no such request: {}", what);
}

Result<json> Server::Prepare(ControlServer::ClientId client, const json& request) {
  if (options_.generation) return Fail(ErrorCode::kUsage, "{}: is pinned to a generation", options_.target);
  if (preparing_ != 0) return Fail(ErrorCode::kBusy, "{}: another switch is under way", options_.target);
  const auto number = request.value("generation", uint64_t{0});
  const auto ids = request.value("layers", std::vector<std::string>());
  VENEER_ASSIGN(const auto catalog, store_.OpenCatalogForReading());
  VENEER_ASSIGN(const Stack stack, OpenLayers(*catalog, number, ids));
  VENEER_ASSIGN(const auto report, tree_->Prepare(number, stack.layers));
  preparing_ = client;
  prepared_generation_ = number;
  return json{{"entries", report.entries}, {"folders", report.folders}};
}

Result<json> Server::Commit(ControlServer::ClientId client) {
  if (preparing_ != client) return Fail(ErrorCode::kUsage, "{}: no switch is prepared", options_.target);
  preparing_ = 0;
  VENEER_ASSIGN(const auto report, tree_->Commit());
  log_(Severity::kInfo, fmt::format("{}: generation {}, {} entries changed", options_.target,
                                    tree_->generation(), report.entries));
  return json{
      {"entries", report.entries}, {"folders", report.folders}, {"longest_wait_us", report.longest_wait_us}};
}

// Lets go of the layers of former generations of which the kernel knows no node any more, and says which it
// keeps.
Result<json> Server::Release() {
  const auto moment = tree_->Now();
  std::set<uint16_t> former = moment->view->table().Slots();
  for (const core::StackLayer& layer : moment->view->stack()) former.erase(layer.slot);
  std::set<uint16_t> idle;
  for (const uint16_t slot : former) {
    if (lookup_counts_.Of(slot) == 0) idle.insert(slot);
  }
  if (!idle.empty()) VENEER_TRY(tree_->Release(idle));
  json kept = json::array();
  const std::lock_guard lock(layers_mutex_);
  for (auto it = layers_.begin(); it != layers_.end();) {
    const auto& [id, layer] = *it;
    const bool released = idle.contains(layer->slot());
    if (!released && former.contains(layer->slot()))
      kept.push_back({{"layer", id}, {"nodes", lookup_counts_.Of(layer->slot())}});
    it = released ? layers_.erase(it) : std::next(it);
  }
  return json{{"kept", std::move(kept)}};
}

// A client that goes between prepare and commit leaves it to the record which of the two generations is
// current. Where that cannot be read the old one stays, until the next activate takes the mount along.
void Server::Gone(ControlServer::ClientId client) {
  if (preparing_ != client) return;
  preparing_ = 0;
  const auto recorded = WantedGeneration();
  if (!recorded) log_(Severity::kError, fmt::format("{}: {}", options_.target, recorded.error().message()));
  if (!recorded || *recorded != prepared_generation_) {
    tree_->Abort();
  } else if (const auto committed = tree_->Commit(); !committed) {
    log_(Severity::kError, fmt::format("{}: {}", options_.target, committed.error().message()));
  }
}

json Server::Describe() const {
  const auto read = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  const auto cache = cache_->counters();
  uint64_t verified = 0;
  uint64_t damaged = 0;
  {
    const std::lock_guard lock(layers_mutex_);
    for (const auto& [id, layer] : layers_) {
      verified += layer->reader().counters().blocks_verified;
      damaged += layer->reader().counters().failures;
    }
  }
  return {{"dir", options_.target},
          {"generation", tree_->generation()},
          {"pinned", options_.generation.has_value()},
          {"supervisor_pid", ::getpid()},
          {"worker_pid", ::getpid()},
          {"counters",
           {{"lookups", read(counters_.lookups)},
            {"attributes", read(counters_.attributes)},
            {"listings", read(counters_.listings)},
            {"reads", read(counters_.reads)},
            {"bytes", read(counters_.bytes)},
            {"xattrs", read(counters_.xattrs)},
            {"failures", read(counters_.failures)},
            {"blocks_verified", verified},
            {"blocks_damaged", damaged},
            {"cache_hits", cache.hits},
            {"cache_misses", cache.misses},
            {"cache_bytes", cache.bytes}}}};
}

// The path of `node` and the layer that it is in, as a person knows them.
std::string Server::NameOf(core::NodeId node) const {
  std::string layer_name = "no layer";
  {
    const std::lock_guard lock(layers_mutex_);
    for (const auto& [id, layer] : layers_) {
      if (layer->slot() == core::SlotOf(node)) layer_name = layer->manifest().name;
    }
  }
  const auto moment = tree_->Now();
  const erofs::Image* image = moment->view->ImageOf(node);
  if (node == core::kRootId || image == nullptr) return "/";
  const std::string path = scan::PathOfInode(*image, core::NidOf(node));
  // The way to it may be what is damaged.
  if (path.empty()) return fmt::format("inode {} of {}", core::NidOf(node), layer_name);
  return fmt::format("/{} of {}", path, layer_name);
}

void Server::TellFailure(core::NodeId node, const Error& error) const {
  log_(Severity::kError,
       fmt::format("{}: {}: {}; run: veneer scan", options_.target, NameOf(node), error.message()));
}

void Server::OnFailure(core::NodeId node, const Error& error) {
  if (options_.panic_on_corruption && error.code() == ErrorCode::kCorrupt) Panic(log_);
  reporter_.Report(node, error);
}

}  // namespace veneer::fuse
