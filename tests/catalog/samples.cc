#include "tests/catalog/samples.h"

#include <filesystem>

#include "fs/crypto/sha256.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// In memory where there is such a file system: what is tested here survives a killed process either way, and
// hundreds of syncs cost nothing.
io::TemporaryFolder NewFolder() {
  const bool in_memory = std::filesystem::is_directory("/dev/shm");
  auto folder =
      io::TemporaryFolder::Create(in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string());
  REQUIRE_OK(folder);
  return std::move(*folder);
}

}  // namespace

std::string SampleId(unsigned seed) {
  return ToHex(crypto::Sha256(AsBytes(std::to_string(seed))));
}

LayerRecord SampleLayer(unsigned seed, uint16_t slot) {
  const std::string id = SampleId(seed);
  return {id, slot, id + ".layer", R"({"schema":1,"name":"sample"})", 1700000000 + seed};
}

GenerationRecord SampleGeneration(uint64_t number, std::vector<std::string> layers) {
  const Digest root = EffectiveRoot(layers);
  return {number, std::move(layers), root, "activate", 1700000000};
}

Event SampleEvent(const std::string& kind) {
  return {0, 1700000000, kind, 1, "root, veneer", "sample"};
}

NewCatalog::NewCatalog() : folder_(NewFolder()), path_(folder_.path() + "/catalog") {
  REQUIRE_OK(Catalog::Create(path_));
}

std::unique_ptr<Catalog> NewCatalog::Write() const {
  auto catalog = Catalog::OpenForWriting(path_, std::chrono::seconds(0));
  REQUIRE_OK(catalog);
  return std::move(*catalog);
}

std::unique_ptr<Catalog> NewCatalog::Read() const {
  auto catalog = Catalog::OpenForReading(path_);
  REQUIRE_OK(catalog);
  return std::move(*catalog);
}

Status CommitGeneration(Catalog& catalog, uint64_t number) {
  Update update;
  update.PutGeneration(SampleGeneration(number));
  update.SetCurrent(number);
  Event event = SampleEvent("activate");
  event.generation = number;
  update.AddEvent(std::move(event));
  return catalog.Commit(std::move(update));
}

}  // namespace veneer::catalog::testing
