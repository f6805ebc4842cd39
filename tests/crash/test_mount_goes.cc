// gc beside a mount that goes away while it asks.
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <thread>

#include "fs/catalog/store.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/socket_address.h"
#include "tests/crash/in_process.h"
#include "tests/crash/scenes.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;

// The server of a mount of generation 2, as a client sees it that comes while it is being unmounted.
class GoingMount {
 public:
  // Asked to release layers, it says that it is unmounted, or is gone without a word.
  GoingMount(const std::string& identity, bool says_so) {
    REQUIRE_OK(io::MakeFolders(fuse::ControlFolder(identity)));
    path_ = fuse::ControlFolder(identity) + "/1.sock";
    const auto address = fuse::SocketAddress(path_);
    REQUIRE_OK(address);
    listening_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
    REQUIRE(::listen(listening_.get(), 1) == 0);
    thread_ = std::thread([this, says_so] { Serve(says_so); });
  }
  ~GoingMount() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
    fuse::RemoveControlSocket(path_);
  }
  GoingMount(const GoingMount&) = delete;
  GoingMount& operator=(const GoingMount&) = delete;

 private:
  void Serve(bool says_so) const {
    const UniqueFd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client || !fuse::ReceiveMessage(client.get())) return;
    const json status = {{"dir", "/going"}, {"generation", 2}, {"pinned", true}, {"supervisor_pid", 1}};
    if (!fuse::SendMessage(client.get(), status) || !fuse::ReceiveMessage(client.get())) return;
    const Error unmounted(ErrorCode::kNotFound, "/going: is unmounted");
    if (says_so) static_cast<void>(fuse::SendMessage(client.get(), fuse::ErrorAnswer(unmounted)));
  }

  std::string path_;
  UniqueFd listening_;
  std::thread thread_;  // last: uses the others
};

TEST_CASE("gc takes a mount that goes away meanwhile for one that holds nothing") {
  for (const bool says_so : {true, false}) {
    INFO((says_so ? "unmounted" : "gone"));
    const auto folder = NewFastFolder();
    const std::string store = folder->path() + "/store";
    stdfs::copy(TheSupplies().store.path(), store, stdfs::copy_options::recursive);
    REQUIRE(RunInProcess(store, {"install", TheSupplies().lib_b, "--activate"}).status == 0);
    const auto opened = catalog::Store::Open(store);
    REQUIRE_OK(opened);
    const GoingMount mount(opened->identity(), says_so);
    const CommandResult gc = RunInProcess(store, {"--json", "gc", "--keep", "0"});
    INFO(gc.err);
    REQUIRE(gc.status == 0);
    const json removed = json::parse(gc.out).at("removed");
    REQUIRE(removed.size() == 1);
    CHECK(removed.at(0).contains("id"));  // the patch that only generation 2 holds
  }
}

}  // namespace
}  // namespace veneer::test
