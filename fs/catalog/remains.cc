#include "fs/catalog/remains.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "fs/catalog/batch.h"
#include "fs/catalog/codec.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/log_check.h"
#include "fs/catalog/marks.h"
#include "fs/catalog/rocks_options.h"
#include "fs/catalog/rocks_status.h"

namespace veneer::catalog {
namespace {

using Take = std::function<Status(std::string_view key, std::string_view value)>;

// Whoever is told of a loss is making the catalog anew already.
void Lose(Remains& remains, const Error& error, const std::string& what) {
  std::string_view message = error.message();
  if (message.ends_with(kRepairCatalog)) message.remove_suffix(kRepairCatalog.size());
  remains.lost.emplace_back(error.code(),
                            what.empty() ? std::string(message) : fmt::format("{}: {}", what, message));
}

Result<std::unique_ptr<Database>> Open(const std::string& path, FamilyIndex family, Remains& remains) {
  auto whole = Database::OpenForReading(path, Logs::kWhole, family);
  if (whole || whole.error().code() != ErrorCode::kDamaged) return whole;
  auto earlier = Database::OpenForReading(path, Logs::kUpToDamage, family);
  if (earlier) remains.older = true;
  return earlier;
}

// Calls `take` with each entry of `family`; what it refuses is lost, and `what` is where the family cannot be
// read (any further). Whether it was read to its end.
Result<bool> ReadFamily(const std::string& path, FamilyIndex family, const char* what, const Take& take,
                        Remains& remains) {
  const auto visit = [&](const Database& database) {
    return database.Scan(family, Order::kForward,
                         [&](std::string_view key, std::string_view value) -> Result<bool> {
                           if (const Status taken = take(key, value); !taken) {
                             Lose(remains, database.Damaged(family, key, taken.error()), "");
                           }
                           return true;
                         });
  };
  const Status read = Open(path, family, remains).and_then([&](const auto& it) { return visit(*it); });
  if (read) return true;
  if (read.error().code() != ErrorCode::kDamaged) return tl::unexpected<Error>(read.error());
  Lose(remains, read.error(), what);
  return false;
}

// What counts is not to give a number again: a counter that is damaged is no reason to lose the others.
Status TakeCounter(std::string_view value, uint64_t max, uint64_t& next) {
  const auto number = ParseDecimal(value, max);
  if (!number) return Fail(ErrorCode::kDamaged, "not a decimal number up to {}", max);
  next = std::max(next, *number);
  return {};
}

Status ReadState(const std::string& path, Remains& remains) {
  bool current_read = true;
  const auto take = [&](std::string_view name, std::string_view value) -> Status {
    if (name == kStateNextSlot) return TakeCounter(value, kMaxSlot + 1, remains.next_slot);
    if (name == kStateNextGeneration) return TakeCounter(value, kMaxNumber + 1, remains.next_generation);
    Status read = ReadMark(name, value, remains.state);
    if (!read && name == kStateCurrent) current_read = false;
    return read;
  };
  VENEER_ASSIGN(const bool all, ReadFamily(path, kState, "the marks, and what is current", take, remains));
  remains.current_known = current_read && (all || remains.state.current != 0);
  return {};
}

Status ReadGenerations(const std::string& path, Remains& remains) {
  const auto take = [&](std::string_view key, std::string_view value) -> Status {
    if (const auto number = ParseNumberKey(key)) {
      remains.next_generation = std::max(remains.next_generation, *number + 1);
    }
    VENEER_ASSIGN(auto generation, DecodeGeneration(key, value));
    remains.generations.push_back(std::move(generation));
    return {};
  };
  return ReadFamily(path, kGenerations, "generations", take, remains).map([](bool) {});
}

Status ReadSlots(const std::string& path, Remains& remains) {
  const auto take = [&](std::string_view key, std::string_view value) -> Status {
    VENEER_ASSIGN(const auto layer, DecodeLayer(key, value));
    remains.slots[layer.id] = layer.slot;
    remains.next_slot = std::max(remains.next_slot, uint64_t{layer.slot} + 1);
    return {};
  };
  return ReadFamily(path, kLayers, "slots of layers", take, remains).map([](bool) {});
}

// A family that this program does not know would be lost without a word.
Status CheckFamilies(const std::string& path) {
  if (const Status files = CheckFiles(path); !files) {  // reading them could last for ever
    return files.error().code() == ErrorCode::kDamaged ? Status() : files;
  }
  std::vector<std::string> names;
  const auto listed =
      rocksdb::DB::ListColumnFamilies(DatabaseOptions(OpenMode::kRead, nullptr), path, &names);
  if (!listed.ok()) {
    Error error = FromRocks(listed, path);
    return error.code() == ErrorCode::kDamaged ? Status() : tl::unexpected<Error>(std::move(error));
  }
  for (const std::string& name : names) {
    const bool known = name == rocksdb::kDefaultColumnFamilyName ||
                       std::ranges::find(kFamilies, name, &Family::name) != kFamilies.end();
    if (!known) return Fail(ErrorCode::kUnsupported, "{}: written by a newer version of this program", path);
  }
  return {};
}

}  // namespace

Result<Remains> ReadRemains(const std::string& path) {
  Remains remains;
  VENEER_TRY(ReadState(path, remains));  // first: it also sees whether there is anything, and of what kind
  VENEER_TRY(ReadGenerations(path, remains));
  VENEER_TRY(ReadSlots(path, remains));
  VENEER_TRY(CheckFamilies(path));
  return remains;
}

Status GoOnNumbering(const std::string& path, const Remains& remains, const Medium& medium) {
  VENEER_ASSIGN(const auto database, Database::OpenForWriting(path, std::chrono::seconds(0), {}, medium.env));
  rocksdb::WriteBatch batch;
  VENEER_TRY(database->Put(batch, kState, kStateNextSlot, std::to_string(remains.next_slot)));
  VENEER_TRY(database->Put(batch, kState, kStateNextGeneration, std::to_string(remains.next_generation)));
  return database->Write(batch);
}

}  // namespace veneer::catalog
