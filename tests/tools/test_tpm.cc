// Marks against rollback held against a TPM: the software TPM swtpm on loopback.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "fs/base/unique_fd.h"
#include "tests/support/until.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool CanBind(uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool Answers(uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// A new TPM for as long as this lives. Its control port is the one behind the other.
class SoftwareTpm {
 public:
  explicit SoftwareTpm(const std::string& state) {
    port_ = static_cast<uint16_t>(20000 + ::getpid() % 20000);
    while (!CanBind(port_) || !CanBind(static_cast<uint16_t>(port_ + 1)))
      port_ = static_cast<uint16_t>(port_ + 2);
    stdfs::create_directories(state);
    process_ = std::make_unique<Command>(std::vector<std::string>{
        "swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state, "--server",
        "type=tcp,disconnect,port=" + std::to_string(port_), "--ctrl",
        "type=tcp,port=" + std::to_string(port_ + 1), "--flags", "not-need-init,startup-clear"});
    Until("swtpm", [&] { return Answers(static_cast<uint16_t>(port_ + 1)); });
  }

  std::string Policy() const {
    return R"({"schema": 1, "tpm": {"nv_index": "0x01800042", "tcti": "swtpm:host=127.0.0.1,port=)" +
           std::to_string(port_) + R"("}})";
  }

 private:
  uint16_t port_ = 0;
  std::unique_ptr<Command> process_;
};

TEST_CASE("a catalog that was set back is found out by the TPM's counter") {
  const PolicyStore store;
  const SoftwareTpm tpm(store.shop / "tpm");
  store.SetPolicy(tpm.Policy());
  const std::string first = store.Patch("one", "lib", 1);
  const std::string second = store.Patch("two", "lib", 2);
  store.Install(first);
  const auto copy = [&](const std::string& from, const std::string& to) {
    stdfs::remove_all(to);
    stdfs::copy(from, to, stdfs::copy_options::recursive);
  };
  const std::string catalog = store.path() + "/catalog";
  copy(catalog, store.shop / "old-catalog");
  store.Install(second);
  const std::string withdrawal = store.Withdraw("w", first);
  store.Json({"install", withdrawal});
  copy(store.shop / "old-catalog", catalog);

  const std::string third = store.Patch("three", "lib", 3);
  store.RequireRefusal({"install", third}, "downgrade");
  store.RequireRefusal({"install", withdrawal}, "downgrade");
  // What is there works on: nothing but taking in asks the TPM.
  store.Json({"activate"});
  store.Json({"revert", "--all"});
  store.Json({"repair-catalog"});
  store.RequireRefusal({"install", first}, "withdrawn");
  store.Install(third);
}

TEST_CASE("a TPM that is cleared or does not answer is told, and the owner has a way on") {
  const PolicyStore store;
  {
    const SoftwareTpm tpm(store.shop / "tpm");
    store.SetPolicy(tpm.Policy());
    store.Install(store.Patch("one", "lib", 1));
  }
  const std::string second = store.Patch("two", "lib", 2);
  RequireErrorLine(store.Run({"install", second}), 1, "install", {"TPM"});
  const SoftwareTpm other(store.shop / "other-tpm");
  store.SetPolicy(other.Policy());
  RequireErrorLine(store.Run({"install", second}), 1, "install", {"no counter", " repair-catalog"});
  store.Json({"repair-catalog"});
  store.Install(second);
}

}  // namespace
}  // namespace veneer::test
