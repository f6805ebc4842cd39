#include "fs/fuse/layer_offer.h"

#include <algorithm>
#include <array>

namespace veneer::fuse {

LayerOffer OfferOf(const catalog::Store::SealedLayer& layer) {
  const format::Manifest& manifest = layer.signed_manifest.manifest;
  return {layer.slot,         layer.signed_manifest.id, manifest.name,
          layer.file->name(), layer.file->size(),       layer::LayoutOf(manifest)};
}

nlohmann::json ToJson(const LayerOffer& offer) {
  return {{"slot", offer.slot},
          {"id", offer.id},
          {"name", offer.name},
          {"file", offer.file},
          {"size", offer.size},
          {"image_size", offer.layout.image_size},
          {"tree_offset", offer.layout.tree_offset},
          {"tree_size", offer.layout.tree_size},
          {"root_hash", offer.layout.root_hash}};
}

LayerOffer OfferFromJson(const nlohmann::json& json) {
  LayerOffer offer{json.at("slot"), json.at("id"), json.at("name"), json.at("file"), json.at("size"), {}};
  offer.layout = {json.at("image_size"), json.at("tree_offset"), json.at("tree_size"),
                  json.at("root_hash").get<Digest>()};
  return offer;
}

}  // namespace veneer::fuse
