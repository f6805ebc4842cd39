#include "fs/fuse/worker.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "fs/base/exception.h"
#include "fs/fuse/damage_reporter.h"
#include "fs/fuse/layer_offer.h"
#include "fs/fuse/message.h"
#include "fs/fuse/sanitizers.h"
#include "fs/fuse/session.h"
#include "fs/io/file_ops.h"
#include "fs/scan/path_index.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr int kUnmounted = 0;
constexpr int kFailed = 1;

// In a node's place, for what is of a whole layer. No image is so big.
constexpr erofs::Nid kNoInode = core::kMaxNid;

// A layer as it is served.
struct ServedLayer {
  LayerOffer offer;
  core::StackLayer stack;
};

class Worker final : public FailureSink {
 public:
  Worker(UniqueFd control, UniqueFd report, SharedState& shared, const WorkerSetup& setup)
      : control_(std::move(control)),
        report_(std::move(report)),
        shared_(shared),
        setup_(setup),
        kept_(shared.blocks, [this](uint32_t slot, const Error& why) { CopyStoodIn(slot, why); }),
        cache_(std::make_shared<verity::BlockCache>(setup.cache_bytes, &shared.cache)),
        lanes_(setup.threads),
        reporter_([this](core::NodeId node, const Error& error) { TellFailure(node, error); },
                  shared.counters.events_lost) {}

  // Answers the supervisor until it is gone.
  void Run() {
    for (;;) {
      auto request = ReceiveMessage(control_.get());
      if (!request || !*request) return;
      const Result<json> answer = AnswerSafely(**request);
      if (!SendMessage(control_.get(), answer ? *answer : ErrorAnswer(answer.error()))) return;
    }
  }

  void OnFailure(core::NodeId node, const Error& error) override {
    reporter_.Report(node, error);
    if (panic_line_ && error.code() == ErrorCode::kCorrupt) AskForPanic();
  }

 private:
  // Has the supervisor crash the kernel. Returns where that cannot be done: nobody gets an answer before.
  void AskForPanic() const {
    char asked = 'c';
    static_cast<void>(io::WriteAll(panic_line_.get(), AsBytes(std::string_view(&asked, 1)), "panic"));
    while (::read(panic_line_.get(), &asked, 1) == 0) ::poll(nullptr, 0, -1);  // it is gone, and this ends
  }

  // Nobody gets an error: the device has failed all the same. One block of a layer is told for all of them.
  void CopyStoodIn(uint32_t slot, const Error& why) {
    shared_.counters.AddFailure(FailureKindOf(why.code()));
    {
      const std::lock_guard lock(stood_in_mutex_);
      if (!stood_in_.emplace(slot, why.code()).second) return;
    }
    reporter_.Report(core::MakeNodeId(static_cast<uint16_t>(slot), kNoInode), why);
  }

  Result<json> AnswerSafely(Message& message) {
    try {
      return Answer(message);
    } catch (const std::exception& exception) {
      return tl::unexpected<Error>(ErrorOf(exception));
    }
  }

  Result<json> Answer(Message& message) {
    const json& request = message.json;
    const std::string what = request.at("request");
    const KeptBlocks::Keeping keeping;  // what is read for an answer, unlike what the serving threads read
    if (what == "add") return Add(message);
    if (what == "load") return Load(request);
    if (what == "serve") return Serve(message);
    if (what == "prepare") return Prepare(request);
    if (what == "commit") return Describe(tree_->Commit());
    if (what == "finish") return Finish();
    if (what == "finish-prepare") return FinishPrepare();
    if (what == "release") return Release();
    if (what != "abort") return Fail(ErrorCode::kUsage, "worker: no such request: {}", what);
    tree_->Abort();
    CloseUnused();
    return json::object();
  }

  // Layers that no generation has which is shown, or was and is still in use.
  void CloseUnused() {
    const std::set<uint16_t> used = tree_->Now()->view->table().Slots();
    const std::lock_guard lock(layers_mutex_);
    std::erase_if(layers_, [&](const auto& layer) {
      if (used.contains(layer.first)) return false;
      kept_.Forget(layer.first);
      ForgetDamage(layer.first);
      return true;
    });
  }

  // What fails of it once it is opened again is told again.
  void ForgetDamage(uint16_t slot) {
    reporter_.Forget(slot);
    const std::lock_guard lock(stood_in_mutex_);
    std::erase_if(stood_in_, [&](const auto& told) { return told.first == slot; });
  }

  // Layers that are here already stay as they are: their nodes may be in use.
  Result<json> Add(Message& message) {
    const json& layers = message.json.at("layers");
    for (size_t i = 0; i < layers.size(); ++i) {
      LayerOffer offer = OfferFromJson(layers[i]);
      const std::lock_guard lock(layers_mutex_);
      if (const auto known = layers_.find(offer.slot); known != layers_.end()) {
        if (known->second.offer.id == offer.id) continue;
        return Fail(ErrorCode::kDamaged, "{}: slot {} is another layer's", offer.file, offer.slot);
      }
      std::shared_ptr<const io::RandomAccessFile> file =
          io::PosixFile::FromKnownFd(std::move(message.descriptors.at(i)), offer.file, offer.size);
      VENEER_ASSIGN(std::shared_ptr<const verity::VerifiedReader> reader,
                    verity::VerifiedReader::Open(std::move(file), offer.layout, cache_, offer.slot,
                                                 &shared_.layers[offer.slot], &kept_));
      auto image = erofs::Image::Open(std::move(reader));
      if (!image) return tl::unexpected<Error>(image.error());
      const uint16_t slot = offer.slot;
      core::StackLayer stack{slot, std::make_shared<const erofs::Image>(*std::move(image))};
      layers_.emplace(slot, ServedLayer{std::move(offer), std::move(stack)});
    }
    return json::object();
  }

  Result<std::vector<core::StackLayer>> StackOf(const json& slots) const {
    std::vector<core::StackLayer> stack;
    const std::lock_guard lock(layers_mutex_);
    for (const uint16_t slot : slots) stack.push_back(layers_.at(slot).stack);
    return stack;
  }

  // The layers of which somebody may hold something, whether or not a generation is left that had them. The
  // generations that the mount has shown, oldest first; the kernel may still have in its caches what was
  // shown from "settled" on. And the one that is prepared, if one is.
  Result<json> Load(const json& request) {
    const uint64_t settled = request.at("settled");
    VENEER_ASSIGN(const auto open, StackOf(request.at("open")));
    const auto table = core::LayerTable().With(open);
    for (const json& shown : request.at("history")) {
      const uint64_t generation = shown.at("generation");
      VENEER_ASSIGN(const auto stack, StackOf(shown.at("slots")));
      if (tree_ == nullptr) {
        VENEER_ASSIGN(auto view, core::View::Build(generation, stack, *table));
        tree_ = std::make_unique<core::LiveTree>(std::move(view), kernel_);
      } else {
        VENEER_TRY(tree_->Replay(generation, stack));
      }
      if (generation == settled || !unsettled_.empty()) unsettled_.push_back(tree_->Now()->view);
    }
    if (!unsettled_.empty()) unsettled_.pop_back();  // what is shown
    if (const auto next = request.find("prepared"); next != request.end()) {
      VENEER_ASSIGN(const auto stack, StackOf(next->at("slots")));
      VENEER_TRY(tree_->BeginPrepare(next->at("generation"), stack));
    }
    return json::object();
  }

  Result<json> Prepare(const json& request) {
    VENEER_ASSIGN(const auto stack, StackOf(request.at("slots")));
    return Describe(tree_->Prepare(request.at("generation"), stack));
  }

  Result<json> Serve(Message& message) {
    context_ =
        std::make_unique<Context>(Context{*tree_, shared_.lookup_counts, shared_.counters, *this, lanes_});
    if (message.descriptors.size() > 1) panic_line_ = std::move(message.descriptors[1]);
    VENEER_ASSIGN(session_, Session::Create(std::move(message.descriptors.at(0)),
                                            message.json.at("init").get<Bytes>(), *context_, kernel_));
    VENEER_TRY(tree_->BeginFinish(unsettled_));
    std::thread([this] {
      const Status served = session_->Serve(std::span(shared_.journals).first(setup_.threads));
      reporter_.Finish();
      if (served) ::_exit(kUnmounted);
      ::_exit(served.error().code() == ErrorCode::kNoMemory ? kEndedWithoutMemory : kFailed);
    }).detach();
    return json::object();
  }

  // What Load began.
  Result<json> Finish() { return Describe(tree_->FinishSwitch(std::exchange(unsettled_, {}))); }
  Result<json> FinishPrepare() { return Describe(tree_->FinishPrepare()); }

  static Result<json> Describe(const Result<core::LiveTree::Report>& report) {
    if (!report) return tl::unexpected<Error>(report.error());
    return json{{"entries", report->entries},
                {"folders", report->folders},
                {"longest_wait_us", report->longest_wait_us}};
  }

  // Lets go of the layers of former generations of which the kernel knows no node any more. "idle": those of
  // which it seemed so, and which no generation gives out any more, whatever has become of them.
  Result<json> Release() {
    const auto moment = tree_->Now();
    std::set<uint16_t> former = moment->view->table().Slots();
    for (const core::StackLayer& layer : moment->view->stack()) former.erase(layer.slot);
    const auto is_held = [this](uint16_t slot) { return shared_.lookup_counts.Of(slot) != 0; };
    std::set<uint16_t> idle = former;
    std::erase_if(idle, is_held);
    std::set<uint16_t> released;
    if (!idle.empty()) {
      VENEER_ASSIGN(released, tree_->Release(idle, is_held));
      CloseUnused();
    }
    json kept = json::array();
    for (const uint16_t slot : former) {
      if (!released.contains(slot))
        kept.push_back({{"slot", slot}, {"nodes", shared_.lookup_counts.Of(slot)}});
    }
    return json{{"kept", std::move(kept)}, {"idle", idle}, {"released", released}};
  }

  // On the reporter's thread.
  void TellFailure(core::NodeId node, const Error& error) const {
    json report = {{"code", CodeWord(error.code())}, {"message", error.message()}};
    std::shared_ptr<const erofs::Image> image;
    {
      const std::lock_guard lock(layers_mutex_);
      if (const auto found = layers_.find(core::SlotOf(node)); found != layers_.end()) {
        image = found->second.stack.image;
        report["layer"] = found->second.offer.id;
        report["layer_name"] = found->second.offer.name;
      }
    }
    if (core::NidOf(node) == kNoInode) {
      report["path"] = "metadata";
    } else if (node == core::kRootId || image == nullptr) {
      report["path"] = "/";
    } else if (const std::string path = scan::PathOfInode(*image, core::NidOf(node)); !path.empty()) {
      report["path"] = "/" + path;
    } else {  // the way to it may be what is damaged
      report["path"] = fmt::format("inode {}", core::NidOf(node));
    }
    static_cast<void>(SendMessage(report_.get(), report));
  }

  UniqueFd control_;
  UniqueFd report_;
  SharedState& shared_;
  WorkerSetup setup_;
  KeptBlocks kept_;
  std::shared_ptr<verity::BlockCache> cache_;
  Lanes lanes_;
  NotifyingKernelCache kernel_;
  std::unique_ptr<core::LiveTree> tree_;
  core::LiveTree::Views unsettled_;  // oldest first, without what is shown
  std::unique_ptr<Context> context_;
  std::unique_ptr<Session> session_;
  UniqueFd panic_line_;  // where damage crashes the kernel: to ask for it

  mutable std::mutex layers_mutex_;
  std::map<uint16_t, ServedLayer> layers_;  // guarded by layers_mutex_; by slot

  std::mutex stood_in_mutex_;
  std::set<std::pair<uint32_t, ErrorCode>> stood_in_;  // guarded by stood_in_mutex_; what was told

  DamageReporter reporter_;  // last: its thread uses the others
};

// Closes all descriptors but these two. The standard ones belong to whoever ran `veneer mount`, who may wait
// for their end.
void CloseOthers(int one, int other) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
  const unsigned first = static_cast<unsigned>(std::min(one, other));
  const unsigned second = static_cast<unsigned>(std::max(one, other));
  const unsigned begin = STDERR_FILENO + 1;
  if (first > begin) ::close_range(begin, first - 1, 0);
  if (second > first + 1) ::close_range(first + 1, second - 1, 0);
  ::close_range(second + 1, ~0U, 0);
}

}  // namespace

void RunWorker(UniqueFd control, UniqueFd report, SharedState& shared, const WorkerSetup& setup) {
  ::prctl(PR_SET_NAME, "veneer-worker");
  // To stop is for the supervisor to be told, whoever else a terminal or a service manager tells.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  CloseOthers(control.get(), report.get());
  OpenSanitizerReport();
  Status locked = EnterSandbox(setup.sandbox);
  if (!locked) {
    // Whatever is asked first hears of it.
    static_cast<void>(ReceiveMessage(control.get()));
    static_cast<void>(SendMessage(control.get(), ErrorAnswer(locked.error())));
    ::_exit(kFailed);
  }
  // Never destroyed: threads use it until the process ends.
  auto* worker = new Worker(std::move(control), std::move(report), shared, setup);
  worker->Run();
  ::_exit(kFailed);
}

}  // namespace veneer::fuse
