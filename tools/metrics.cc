#include <sys/sysmacros.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "fs/catalog/store.h"
#include "fs/fuse/activation.h"
#include "fs/io/file_ops.h"
#include "tools/mount_command.h"
#include "tools/output.h"
#include "tools/prometheus.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

using fuse::LiveMount;

constexpr double kMicrosecond = 1e-6;

// One number of a mount's, and where it is among its counters.
struct Simple {
  const char* name;
  const char* type;
  const char* key;
  double unit;
  const char* help;
};
constexpr Simple kSimple[] = {
    {"veneer_read_bytes_total", "counter", "bytes", 1, "Bytes of file content answered to the kernel."},
    {"veneer_blocks_verified_total", "counter", "blocks_verified", 1,
     "Blocks read from layers that matched their signed hashes."},
    {"veneer_blocks_damaged_total", "counter", "blocks_damaged", 1,
     "Blocks read from layers that did not match, counted at each read."},
    {"veneer_cache_hits_total", "counter", "cache_hits", 1,
     "Hash and metadata blocks found in the cache of verified blocks."},
    {"veneer_cache_misses_total", "counter", "cache_misses", 1,
     "Hash and metadata blocks that had to be read and verified."},
    {"veneer_cache_bytes", "gauge", "cache_bytes", 1, "Bytes in the cache of verified blocks."},
    {"veneer_switches_total", "counter", "switches", 1, "Switches to another generation."},
    {"veneer_switch_longest_pause_seconds", "gauge", "longest_pause_us", kMicrosecond,
     "The longest that a look-up waited for the kernel in any switch."},
    {"veneer_worker_deaths_total", "counter", "worker_deaths", 1,
     "Workers that died or could not be started."},
    {"veneer_worker_restarts_total", "counter", "worker_restarts", 1,
     "Workers put to work in place of one that died."},
    {"veneer_supervisor_restarts_total", "counter", "supervisor_restarts", 1,
     "Supervisors that went on with the mount of one that died."},
    {"veneer_events_lost_total", "counter", "events_lost", 1, "Events that found no way into the history."},
};

// What kinds of request there are, as label and as key among the counters.
constexpr std::pair<const char*, const char*> kRequests[] = {{"lookup", "lookups"},
                                                             {"attributes", "attributes"},
                                                             {"listing", "listings"},
                                                             {"read", "reads"},
                                                             {"xattr", "xattrs"}};

// A program older than this one may serve a mount, and have fewer counters.
double NumberIn(const nlohmann::json& object, const char* key) {
  return object.value(key, 0.0);
}

// One family over all mounts of the store.
class MountMetrics {
 public:
  MountMetrics(Exposition& out, std::string store, const std::vector<LiveMount>& mounts)
      : out_(out), store_(std::move(store)), mounts_(mounts) {}

  void AddAll() const {
    out_.Family("veneer_mount_generation", "gauge", "The generation that the mount shows.");
    Each([&](const LiveMount& mount) {
      out_.Sample(LabelsOf(mount), static_cast<double>(mount.generation()));
    });
    out_.Family("veneer_mount_pinned", "gauge", "Whether the mount stays with its generation.");
    Each([&](const LiveMount& mount) { out_.Sample(LabelsOf(mount), mount.pinned() ? 1 : 0); });
    out_.Family("veneer_mount_serving", "gauge", "Whether a worker serves; 0: requests get EIO.");
    Each([&](const LiveMount& mount) {
      out_.Sample(LabelsOf(mount), mount.status.value("worker_pid", 0) == 0 ? 0 : 1);
    });
    for (const Simple& metric : kSimple) {
      out_.Family(metric.name, metric.type, metric.help);
      Each([&](const LiveMount& mount) {
        out_.Sample(LabelsOf(mount), NumberIn(CountersOf(mount), metric.key) * metric.unit);
      });
    }
    AddRequests();
    AddFailures();
    AddPauses();
    AddLayers("veneer_layer_blocks_verified_total", "blocks_verified",
              "Blocks of a layer shown that matched their signed hashes.");
    AddLayers("veneer_layer_blocks_damaged_total", "blocks_damaged",
              "Blocks of a layer shown that did not match, counted at each read.");
  }

 private:
  template <typename Body>
  void Each(Body body) const {
    for (const LiveMount& mount : mounts_) body(mount);
  }

  // Of two mounts at one place, one of which is detached or in another name space, only the device differs.
  Labels LabelsOf(const LiveMount& mount) const {
    const std::string device = fmt::format("{}:{}", major(mount.device()), minor(mount.device()));
    return {{"store", store_}, {"mount", mount.dir()}, {"device", device}};
  }

  static nlohmann::json CountersOf(const LiveMount& mount) {
    return mount.status.value("counters", nlohmann::json::object());
  }

  void AddRequests() const {
    out_.Family("veneer_requests_total", "counter",
                "Requests of the kernel answered; what it caches it does not ask.");
    Each([&](const LiveMount& mount) {
      for (const auto& [label, key] : kRequests) {
        Labels labels = LabelsOf(mount);
        labels.emplace_back("request", label);
        out_.Sample(labels, NumberIn(CountersOf(mount), key));
      }
    });
  }

  void AddFailures() const {
    out_.Family(
        "veneer_failures_total", "counter",
        "Requests that failed for a reason of the mount's, and blocks served from a kept copy, by kind.");
    Each([&](const LiveMount& mount) {
      const auto counters = CountersOf(mount);
      const auto kinds = counters.value("failures_by_kind", nlohmann::json::object());
      for (const auto& [kind, count] : kinds.items()) {
        Labels labels = LabelsOf(mount);
        labels.emplace_back("kind", kind);
        out_.Sample(labels, count.get<double>());
      }
    });
  }

  void AddPauses() const {
    out_.Family("veneer_switch_pause_seconds", "summary",
                "The longest wait of a look-up in each switch, added up over all switches.");
    Each([&](const LiveMount& mount) {
      const auto counters = CountersOf(mount);
      out_.Sample(LabelsOf(mount), NumberIn(counters, "pauses_us") * kMicrosecond, "_sum");
      out_.Sample(LabelsOf(mount), NumberIn(counters, "switches"), "_count");
    });
  }

  void AddLayers(const char* name, const char* key, const char* help) const {
    out_.Family(name, "counter", help);
    Each([&](const LiveMount& mount) {
      for (const auto& layer : mount.status.value("layers", nlohmann::json::array())) {
        Labels labels = LabelsOf(mount);
        labels.emplace_back("component", layer.value("component", ""));
        labels.emplace_back("layer", layer.value("layer", ""));
        out_.Sample(labels, NumberIn(layer, key));
      }
    });
  }

  Exposition& out_;
  std::string store_;
  const std::vector<LiveMount>& mounts_;
};

// A number of the store's.
void AddGauge(Exposition& out, const std::string& store, const char* name, const char* help, double value) {
  out.Family(name, "gauge", help);
  out.Sample({{"store", store}}, value);
}

// Without a record there is nothing to say of generations.
std::string MetricsOf(const std::string& store, const Result<catalog::State>& record,
                      const fuse::FoundMounts& mounts, size_t unserved) {
  Exposition out;
  out.Family("veneer_build_info", "gauge", "The program that wrote this; always 1.");
  out.Sample({{"version", VENEER_VERSION}}, 1);
  AddGauge(out, store, "veneer_store_catalog_readable",
           "Whether the catalog can be read; 0: see veneer status.", record ? 1 : 0);
  if (record) {
    AddGauge(out, store, "veneer_store_generation", "The generation on record as current; 0: none.",
             static_cast<double>(record->current));
    AddGauge(out, store, "veneer_store_pending_generation", "The one that waits for the next mount; 0: none.",
             static_cast<double>(record->pending));
  }
  AddGauge(out, store, "veneer_store_silent_servers", "Servers of mounts that did not answer.",
           static_cast<double>(mounts.silent.size()));
  AddGauge(out, store, "veneer_store_unasked_servers",
           "Servers of mounts that the user who wrote this may not ask.",
           static_cast<double>(mounts.unasked.size()));
  AddGauge(out, store, "veneer_store_unserved_mounts", "Mounts of which no server is there to ask.",
           static_cast<double>(unserved));
  MountMetrics(out, store, mounts.live).AddAll();
  return out.text();
}

Status Write(const std::string& text, const std::string& file, const Output& output) {
  if (!file.empty()) return io::WriteFileAtomically(file, AsBytes(text));
  if (output.json_wanted())
    return Fail(ErrorCode::kUsage,
                "with --json the metrics need a file: -o FILE; or run: veneer --json status");
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

// Whatever is wrong, what can be said is written first.
Status WriteMetrics(const std::string& file, const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto mounts, fuse::FindMounts(store.identity(), fuse::kShowPatience));
  VENEER_ASSIGN(const auto unserved, fuse::FindUnserved(store.path(), mounts));
  const auto record =
      store.OpenCatalogForReading().and_then([](const auto& catalog) { return catalog->ReadState(); });
  const auto absolute = AbsolutePath(store.path());
  VENEER_TRY(
      Write(MetricsOf(absolute ? *absolute : store.path(), record, mounts, unserved.size()), file, output));
  for (const Error& error : mounts.unasked) {
    fmt::print(stderr, "veneer: metrics: left out: {}\n", Printable(error.message()));
  }
  if (!record) return tl::unexpected<Error>(record.error());
  return mounts.AllAnswer();
}

}  // namespace

Action AddMetrics(CLI::App& verb) {
  verb.description("Write counters of the store and its mounts for Prometheus, as its text format");
  auto file = std::make_shared<std::string>();
  verb.add_option("-o,--output", *file, "File that appears all at once, e.g. for node_exporter: NAME.prom")
      ->type_name("FILE");
  return [file](const Globals& globals, Output& output) { return WriteMetrics(*file, globals, output); };
}

}  // namespace veneer::tools
