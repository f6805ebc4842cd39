// Records and catalogs for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/catalog/catalog.h"
#include "fs/io/file_ops.h"

namespace veneer::catalog::testing {

// An id that looks like a layer's; another one for each `seed`.
std::string SampleId(unsigned seed);

LayerRecord SampleLayer(unsigned seed, uint16_t slot);
GenerationRecord SampleGeneration(uint64_t number, std::vector<std::string> layers = {SampleId(1)});
Event SampleEvent(const std::string& kind);

// Folder and path of a new, empty catalog.
class NewCatalog {
 public:
  NewCatalog();
  const std::string& path() const { return path_; }
  const std::string& folder() const { return folder_.path(); }

  // These fail the test if it cannot be opened.
  std::unique_ptr<Catalog> Write() const;
  std::unique_ptr<Catalog> Read() const;

 private:
  io::TemporaryFolder folder_;
  std::string path_;
};

// Writes generation `number` and makes it current, with one event, in one commit.
Status CommitGeneration(Catalog& catalog, uint64_t number);

}  // namespace veneer::catalog::testing
