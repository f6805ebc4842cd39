// Store::Init. What it makes in the folder is removed again if it cannot finish; the marker comes last.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "fs/base/unique_fd.h"
#include "fs/catalog/store.h"
#include "fs/catalog/store_marker.h"
#include "fs/io/file_ops.h"

namespace veneer::catalog {
namespace {

namespace filesystem = std::filesystem;

// Files of a trust folder are small; more than this is something else.
constexpr size_t kMaxTrustFile = 16 << 20;  // bytes

Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return FailErrno(errno, path);
  return {};
}

// The names in the folder `path`.
Result<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  filesystem::directory_iterator entries(path, error);
  for (; !error && entries != filesystem::directory_iterator(); entries.increment(error)) {
    names.push_back(entries->path().filename().string());
  }
  if (error) return FailErrno(error.value(), path);
  return names;
}

Status CopyFile(const std::string& from, const std::string& to) {
  VENEER_ASSIGN(const Bytes bytes, io::ReadWholeFile(from, kMaxTrustFile));
  return io::WriteFileAtomically(to, bytes);
}

// Copies what TrustStore reads and nothing else: a private key that lies in `from` stays there.
Status CopyTrust(const std::string& from, const std::string& to) {
  VENEER_TRY(MakeFolder(to));
  for (const char* role : {"base.d", "patch.d", "feed.d", "crl.d"}) {
    const std::string source = fmt::format("{}/{}", from, role);
    const std::string target = fmt::format("{}/{}", to, role);
    VENEER_TRY(MakeFolder(target));
    std::error_code error;
    if (!filesystem::exists(source, error)) continue;
    VENEER_ASSIGN(const auto names, NamesIn(source));
    for (const std::string& name : names) {
      if (name.front() == '.' || !name.ends_with(".pem")) continue;
      VENEER_TRY(CopyFile(source + "/" + name, target + "/" + name));
    }
  }
  const Status policy = CopyFile(from + "/policy.json", to + "/policy.json");
  if (!policy && policy.error().code() != ErrorCode::kNotFound) return policy;
  VENEER_TRY(io::SyncFolder(to));
  // What came over is what was meant, even if `from` changed meanwhile.
  if (auto loaded = crypto::TrustStore::Load(to); !loaded) return tl::unexpected(loaded.error());
  return {};
}

// A folder on its way to being a store. Unless it gets there, it is left as it was found.
class Construction {
 public:
  explicit Construction(std::string path) : path_(std::move(path)) {}
  Construction(const Construction&) = delete;
  Construction& operator=(const Construction&) = delete;
  ~Construction();

  Status Begin();
  Status Build(const std::string& trust);

 private:
  Status CheckEmpty() const;

  std::string path_;
  UniqueFd lock_;  // on the folder, so that two cannot build in it
  bool made_folder_ = false;
  bool building_ = false;
};

Construction::~Construction() {
  std::error_code ignored;
  if (building_) {
    for (const char* name : {"trust", "layers", "catalog", kStoreMarker})
      filesystem::remove_all(path_ + "/" + name, ignored);
  }
  if (made_folder_) ::rmdir(path_.c_str());
}

Status Construction::CheckEmpty() const {
  VENEER_ASSIGN(const auto names, NamesIn(path_));
  for (const std::string& name : names) {
    if (name == kStoreMarker) return Fail(ErrorCode::kExists, "{}: is a store already", path_);
  }
  for (const std::string& name : names) {
    if (name == "lost+found") continue;  // of a file system that is the store's alone
    return Fail(ErrorCode::kExists, "{}: is not empty, it holds {}; a store wants an empty folder", path_,
                name);
  }
  return {};
}

Status Construction::Begin() {
  made_folder_ = ::mkdir(path_.c_str(), 0755) == 0;
  if (!made_folder_ && errno != EEXIST) return FailErrno(errno, path_);
  if (made_folder_ && ::chmod(path_.c_str(), 0755) != 0) return FailErrno(errno, path_);
  lock_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_ && errno == ENOTDIR) {
    return Fail(ErrorCode::kExists, "{}: is there and is not a folder", path_);
  }
  if (!lock_) return FailErrno(errno, path_);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kBusy, "{}: another veneer command is making a store in it", path_);
  }
  return CheckEmpty();
}

Status Construction::Build(const std::string& trust) {
  building_ = true;
  VENEER_TRY(CopyTrust(trust, path_ + "/trust"));
  VENEER_TRY(MakeFolder(path_ + "/layers"));
  VENEER_TRY(Catalog::Create(path_ + "/catalog"));
  VENEER_TRY(io::SyncFolder(path_));
  if (made_folder_) VENEER_TRY(io::SyncFolder(path_ + "/.."));
  VENEER_TRY(WriteStoreMarker(path_));
  building_ = made_folder_ = false;
  return {};
}

}  // namespace

Status Store::Init(const std::string& path, const std::string& trust) {
  if (auto loaded = crypto::TrustStore::Load(trust); !loaded) return tl::unexpected(loaded.error());
  Construction store(path);
  VENEER_TRY(store.Begin());
  return store.Build(trust);
}

}  // namespace veneer::catalog
