// The files in which a catalog keeps one of its families, for damaging them.
#pragma once

#include <rocksdb/db.h>

#include <string>
#include <vector>

#include "fs/catalog/key_space.h"
#include "fs/catalog/rocks_options.h"
#include "tests/support/catch.h"

namespace veneer::test {

// The path of a table file of `family`, which has one, in the catalog in the folder `path`.
inline std::string TableOf(const std::string& path, catalog::FamilyIndex family) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::OpenForReadOnly(catalog::DatabaseOptions(catalog::OpenMode::kRead, nullptr), path,
                                       catalog::FamilyDescriptors(), &handles, &db)
              .ok());
  std::vector<rocksdb::LiveFileMetaData> tables;
  db->GetLiveFilesMetaData(&tables);
  for (auto* handle : handles) static_cast<void>(db->DestroyColumnFamilyHandle(handle));
  delete db;
  for (const auto& table : tables) {
    if (table.column_family_name == catalog::kFamilies.at(family).name) {
      return path + "/" + table.relative_filename;
    }
  }
  FAIL("no table of the family");
  return {};
}

}  // namespace veneer::test
