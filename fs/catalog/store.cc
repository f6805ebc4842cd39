#include "fs/catalog/store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>
#include <system_error>

#include "fs/catalog/event_spool.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/store_marker.h"
#include "fs/io/random_access_file.h"

namespace veneer::catalog {
namespace {

// `path` from the root, so that it holds when the process changes its working folder.
std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

Error DamagedLayer(const Error& cause) {
  return Error(ErrorCode::kDamaged,
               fmt::format("{}; run: veneer install FILE, with a good copy of the layer", cause.message()));
}

}  // namespace

Result<Store> Store::Open(const std::string& path, const std::string& trust, const Medium& medium) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real && errno != ENOENT && errno != ENOTDIR) return FailErrno(errno, path);
  if (!real) return Fail(ErrorCode::kNotFound, "{}: there is no store; run: veneer init", path);
  std::string found = real.get();
  struct stat st {};
  if (::stat(found.c_str(), &st) != 0) return FailErrno(errno, found);
  if (!S_ISDIR(st.st_mode)) return Fail(ErrorCode::kNotFound, "{}: not a folder, so no store", found);
  VENEER_TRY(CheckStoreMarker(found));
  std::string identity = fmt::format("{}-{}", st.st_dev, st.st_ino);
  std::string trusted = trust.empty() ? found + "/trust" : Absolute(trust);
  return Store(std::move(found), std::move(trusted), std::move(identity), medium);
}

Result<std::shared_ptr<const crypto::TrustStore>> Store::LoadTrust() const {
  return crypto::TrustStore::Load(trust_);
}

Result<std::unique_ptr<Catalog>> Store::OpenCatalogForReading() const {
  return Catalog::OpenForReading(catalog_path());
}

Result<std::unique_ptr<Catalog>> Store::OpenCatalogForWriting(std::chrono::milliseconds wait,
                                                              const std::function<void()>& on_wait) const {
  VENEER_ASSIGN(auto catalog, Catalog::OpenForWriting(catalog_path(), wait, on_wait, medium_));
  // What cannot be taken in now goes on waiting: no reason to stop whoever wants to write.
  static_cast<void>(EventSpool(path_).TakeIn(*catalog));
  return catalog;
}

// The spool is read first: what is taken in meanwhile is found twice, and not missed.
Result<Store::History> Store::Events(uint64_t most) const {
  auto [events, passed_over] = EventSpool(path_).Read();
  VENEER_ASSIGN(const auto catalog, OpenCatalogForReading());
  VENEER_TRY(DropKnown(*catalog, events));
  std::reverse(events.begin(), events.end());
  VENEER_ASSIGN(auto recorded, catalog->Events(most));
  events.insert(events.end(), std::make_move_iterator(recorded.begin()),
                std::make_move_iterator(recorded.end()));
  if (events.size() > most) events.resize(most);
  return History{std::move(events), std::move(passed_over)};
}

Result<std::shared_ptr<const io::PosixFile>> Store::OpenFile(const LayerRecord& record) const {
  if (!IsPlainFileName(record.file_name)) {
    return Fail(ErrorCode::kDamaged, "{}: layer {}: file_name is not the plain name of a file{}",
                catalog_path(), record.id, kRepairCatalog);
  }
  Result<std::shared_ptr<const io::PosixFile>> file = io::PosixFile::Open(LayerPath(record.file_name));
  if (!file && (file.error().code() == ErrorCode::kNotFound || file.error().code() == ErrorCode::kCorrupt)) {
    return tl::unexpected(DamagedLayer(file.error()));
  }
  return file;
}

Result<Store::SealedLayer> Store::VerifySealed(std::shared_ptr<const io::PosixFile> file,
                                               const LayerRecord& record,
                                               const crypto::TrustStore& trust) const {
  auto manifest = layer::ReadSignedManifest(*file, trust, crypto::TimeCheck::None());
  if (!manifest && manifest.error().code() == ErrorCode::kCorrupt) {
    return tl::unexpected(DamagedLayer(manifest.error()));
  }
  if (!manifest) return tl::unexpected(std::move(manifest).error());
  if (manifest->id != record.id) {
    return Fail(ErrorCode::kDamaged, "{}: holds layer {}, where the catalog has layer {}{}", file->name(),
                manifest->id, record.id, kRepairCatalog);
  }
  return SealedLayer{record.slot, *std::move(manifest), std::move(file)};
}

Result<Store::SealedLayer> Store::OpenSealed(const LayerRecord& record,
                                             const crypto::TrustStore& trust) const {
  VENEER_ASSIGN(auto file, OpenFile(record));
  return VerifySealed(std::move(file), record, trust);
}

Result<Store::OpenBlocks> Store::OpenReader(const LayerRecord& record, const crypto::TrustStore& trust,
                                            std::shared_ptr<verity::BlockCache> cache) const {
  VENEER_ASSIGN(auto file, OpenFile(record));
  file->DropCached();
  VENEER_ASSIGN(SealedLayer sealed, VerifySealed(std::move(file), record, trust));
  auto reader =
      layer::OpenReader(sealed.file, sealed.signed_manifest.manifest, std::move(cache), record.slot);
  if (!reader && reader.error().code() == ErrorCode::kCorrupt) {
    return tl::unexpected(DamagedLayer(reader.error()));
  }
  if (!reader) return tl::unexpected(std::move(reader).error());
  return OpenBlocks{std::move(sealed), *std::move(reader)};
}

Result<std::shared_ptr<const layer::Layer>> Store::OpenLayer(
    const LayerRecord& record, const crypto::TrustStore& trust,
    std::shared_ptr<verity::BlockCache> cache) const {
  VENEER_ASSIGN(SealedLayer sealed, OpenSealed(record, trust));
  auto opened = layer::Layer::OpenVerified(std::move(sealed.file), std::move(sealed.signed_manifest),
                                           std::move(cache), record.slot);
  if (!opened && opened.error().code() == ErrorCode::kCorrupt) {
    return tl::unexpected(DamagedLayer(opened.error()));
  }
  return opened;
}

Result<std::vector<std::shared_ptr<const layer::Layer>>> Store::OpenStack(
    const Catalog& catalog, const std::vector<std::string>& ids, const crypto::TrustStore& trust,
    std::shared_ptr<verity::BlockCache> cache) const {
  std::vector<std::shared_ptr<const layer::Layer>> stack;
  std::set<uint16_t> slots;
  for (const std::string& id : ids) {
    VENEER_ASSIGN(const std::optional<LayerRecord> record, catalog.Layer(id));
    if (!record) {
      return Fail(ErrorCode::kDamaged, "{}: has no layer {}, which a stack holds{}", catalog_path(), id,
                  kRepairCatalog);
    }
    // Node ids are made of slots: two layers in one would be taken for each other.
    if (!slots.insert(record->slot).second) {
      return Fail(ErrorCode::kDamaged, "{}: two layers of a stack have slot {}{}", catalog_path(),
                  record->slot, kRepairCatalog);
    }
    VENEER_ASSIGN(auto opened, OpenLayer(*record, trust, cache));
    stack.push_back(std::move(opened));
  }
  return stack;
}

}  // namespace veneer::catalog
