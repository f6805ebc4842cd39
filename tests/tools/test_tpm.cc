// Marks against rollback held against a TPM: the software TPM swtpm.
#include <filesystem>
#include <fstream>

#include "tests/support/until.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// Whether somebody takes connections on the socket `path`, without making one. proc_net(5), unix: the state,
// and at the end the path; the kernel's flag 0x10000 is that of listen(2).
bool Listens(const std::string& path) {
  std::ifstream table("/proc/net/unix");
  for (std::string line; std::getline(table, line);) {
    if (line.ends_with(" " + path) && line.find(" 00010000 ") != std::string::npos) return true;
  }
  return false;
}

// A new TPM for as long as this lives, on the socket `state`/socket, with its control socket beside it.
class SoftwareTpm {
 public:
  explicit SoftwareTpm(const std::string& state) : socket_(state + "/socket") {
    stdfs::create_directories(state);
    process_ = std::make_unique<Command>(std::vector<std::string>{
        "swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state, "--server",
        "type=unixio,path=" + socket_ + ",disconnect", "--ctrl", "type=unixio,path=" + socket_ + ".ctrl",
        "--flags", "not-need-init,startup-clear"});
    for (const char* end : {"", ".ctrl"}) Until("swtpm", [&] { return Listens(socket_ + end); });
  }

  std::string Policy() const {
    return R"({"schema": 1, "tpm": {"nv_index": "0x01800042", "tcti": "swtpm:path=)" + socket_ + R"("}})";
  }

 private:
  std::string socket_;
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
