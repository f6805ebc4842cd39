// How the supervisor hands a layer to the worker: what was signed, and the open file beside the message.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "fs/catalog/store.h"
#include "fs/verity/verified_reader.h"

namespace veneer::fuse {

struct LayerOffer {
  uint16_t slot = 0;
  std::string id;
  std::string name;   // as persons know it
  std::string file;   // for messages
  uint64_t size = 0;  // of the file, bytes
  verity::Layout layout;
};

LayerOffer OfferOf(const catalog::Store::SealedLayer& layer);

nlohmann::json ToJson(const LayerOffer& offer);

// The worker trusts what its supervisor says: a wrong member is an exception of nlohmann's.
LayerOffer OfferFromJson(const nlohmann::json& json);

}  // namespace veneer::fuse
