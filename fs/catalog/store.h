// The store: a folder with the layers, the catalog and the trust that judges them.
//
//   STORE/veneer-store.json  {"schema": 1}: marks the folder as a store
//   STORE/trust/             see fs/crypto/trust_store.h
//   STORE/layers/ID.layer    layer files, mode 0444
//   STORE/withdrawals/ID.withdrawal  signed withdrawals of layers, mode 0444
//   STORE/catalog/           RocksDB
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/medium.h"
#include "fs/crypto/trust_store.h"
#include "fs/layer/layer.h"

namespace veneer::catalog {

inline constexpr const char* kDefaultStore = "/var/lib/veneer";

// Names and opens what is in a store. Immutable; safe from several threads.
class Store {
 public:
  // Makes a new store in the folder `path` (made if it is not there, but not those above it; otherwise empty,
  // save for lost+found) and copies into it what counts as trust in the folder `trust`: policy.json, and
  // *.pem of the four folders. kExists if it is a store already or holds anything; kNotFound if the folder
  // above is not there; kNotFound or kCorrupt for `trust`; kBusy if another process is making a store there;
  // kIo, kNoSpace. After an error the folder is as it was.
  static Status Init(const std::string& path, const std::string& trust);

  // `trust`: another trust folder in place of STORE/trust; empty for that. kNotFound if `path` is not a
  // store, with the mending command in the message; kUnsupported for a newer schema; kDamaged for a marker
  // that cannot be read as one; kIo, e.g. where permission is denied. All changes go through `medium`.
  static Result<Store> Open(const std::string& path, const std::string& trust = {},
                            const Medium& medium = {});

  const std::string& path() const { return path_; }
  const Medium& medium() const { return medium_; }
  io::Disk& disk() const { return *medium_.disk; }
  std::string catalog_path() const { return path_ + "/catalog"; }
  // Where one that is to take its place is made; holds nothing that is needed.
  std::string new_catalog_path() const { return catalog_path() + ".new"; }
  std::string layers_path() const { return path_ + "/layers"; }
  std::string withdrawals_path() const { return path_ + "/withdrawals"; }
  std::string WithdrawalPath(const std::string& layer_id) const {
    return withdrawals_path() + "/" + layer_id + ".withdrawal";
  }
  std::string LayerPath(const std::string& file_name) const { return layers_path() + "/" + file_name; }

  // Identifies the store whatever path leads to it, e.g. for names below /run: device and inode of its
  // folder, "DEV-INO".
  const std::string& identity() const { return identity_; }

  // Reads the trust folder anew each time, so that it is as it is now.
  Result<std::shared_ptr<const crypto::TrustStore>> LoadTrust() const;

  // As those of Catalog. Who opens it for writing takes in the events of live mounts that wait
  // (event_spool.h).
  Result<std::unique_ptr<Catalog>> OpenCatalogForReading() const;
  Result<std::unique_ptr<Catalog>> OpenCatalogForWriting(std::chrono::milliseconds wait,
                                                         const std::function<void()>& on_wait = {}) const;

  // What happened, newest first, at most `most`: events of live mounts that wait to be taken into the
  // catalog, which have the number 0, and those in it. The errors of Catalog::Events.
  struct History {
    std::vector<Event> events;
    std::vector<Error> passed_over;  // files of waiting events that cannot be read, and why
  };
  Result<History> Events(uint64_t most) const;

  // The file of an installed layer; nothing of it has been looked at. kDamaged where it is missing or no
  // regular file, or the record names it wrongly; kIo.
  Result<std::shared_ptr<const io::PosixFile>> OpenFile(const LayerRecord& record) const;

  // An installed layer whose signature holds; nothing of its image has been looked at.
  struct SealedLayer {
    uint16_t slot = 0;
    layer::SignedManifest signed_manifest;
    std::shared_ptr<const io::PosixFile> file;
  };

  // As OpenLayer, up to the manifest.
  Result<SealedLayer> OpenSealed(const LayerRecord& record, const crypto::TrustStore& trust) const;

  // As OpenLayer, up to the blocks, for a layer that is to be checked: its image may not open, and what the
  // kernel has cached of it is forgotten, so that it is read from the device (see PosixFile::DropCached).
  struct OpenBlocks {
    SealedLayer sealed;
    std::shared_ptr<const verity::VerifiedReader> reader;
  };
  Result<OpenBlocks> OpenReader(const LayerRecord& record, const crypto::TrustStore& trust,
                                std::shared_ptr<verity::BlockCache> cache) const;

  // Opens the installed layer of `record` and verifies that its signature holds (validity in time aside,
  // design §7) and that it is the layer that the record names. kDamaged in place of kCorrupt, for a file that
  // is missing too; otherwise as Layer::Open.
  Result<std::shared_ptr<const layer::Layer>> OpenLayer(const LayerRecord& record,
                                                        const crypto::TrustStore& trust,
                                                        std::shared_ptr<verity::BlockCache> cache) const;

  // The layers `ids`, in that order. As OpenLayer; kDamaged if `catalog` does not know one of them.
  Result<std::vector<std::shared_ptr<const layer::Layer>>> OpenStack(
      const Catalog& catalog, const std::vector<std::string>& ids, const crypto::TrustStore& trust,
      std::shared_ptr<verity::BlockCache> cache) const;

 private:
  Result<SealedLayer> VerifySealed(std::shared_ptr<const io::PosixFile> file, const LayerRecord& record,
                                   const crypto::TrustStore& trust) const;

  Store(std::string path, std::string trust, std::string identity, const Medium& medium)
      : path_(std::move(path)), trust_(std::move(trust)), identity_(std::move(identity)), medium_(medium) {}

  std::string path_;
  std::string trust_;
  std::string identity_;
  Medium medium_;
};

}  // namespace veneer::catalog
