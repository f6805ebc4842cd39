// Withdrawals as a store keeps them: signed files, and a mark in the catalog for each. See
// docs/format/withdrawal.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/store.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/trust_store.h"
#include "fs/format/withdrawal.h"
#include "fs/io/random_access_file.h"

namespace veneer::core {

// The largest file that is read as one, in bytes.
inline constexpr uint64_t kMaxWithdrawalFile = 1 << 20;

struct SignedWithdrawal {
  format::Withdrawal withdrawal;
  std::vector<crypto::SignerDescription> signers;
  Bytes der;  // the file
};

// Whether `file` has the look of a withdrawal and not that of a layer. As either, it still has to be
// verified. The errors of reading it.
Result<bool> LooksLikeWithdrawal(const io::RandomAccessFile& file);

// Reads `file` and verifies it in the feed role at `time`. The errors of CmsVerify and ParseWithdrawal, with
// the file's name.
Result<SignedWithdrawal> ReadSignedWithdrawal(const io::RandomAccessFile& file,
                                              const crypto::TrustStore& trust, crypto::TimeCheck time);

struct TakenWithdrawal {
  SignedWithdrawal signed_withdrawal;
  bool already = false;  // the store had it
};

// Takes the withdrawal `file` into the store: the file first, then the mark in the catalog, so that a crash
// in between leaves what taking it in again or a rebuilt catalog makes good. Validity in time is judged at
// `now` or the latest time seen. The errors of ReadSignedWithdrawal; kNotApplicable where it names a base;
// kCorrupt where it names another component or sequence than the layer that the store has; kNoSpace, kIo.
Result<TakenWithdrawal> TakeWithdrawal(const io::RandomAccessFile& file, const catalog::Store& store,
                                       catalog::Catalog& catalog, const crypto::TrustStore& trust,
                                       int64_t now, const std::string& by);

// The withdrawals in the folder of `store` whose signatures hold, validity in time aside, by file name. What
// is no such file is left out and told in `passed_over`. kIo.
Result<std::vector<SignedWithdrawal>> FindWithdrawals(const catalog::Store& store,
                                                      const crypto::TrustStore& trust,
                                                      std::vector<Error>& passed_over);

// Why each layer that `state` marks is withdrawn, by id: the reason that its signed file gives, or words that
// say that there is no such file any more. The mark binds in either case.
std::map<std::string, std::string> WithdrawalReasons(const catalog::Store& store, const catalog::State& state,
                                                     const crypto::TrustStore& trust);

// Refuses the stack `layers` (ids, base first) where a withdrawn patch comes in with it, whatever way it is
// made. One that `current` has already may stay for now: to refuse would keep the owner from changing
// anything else. No mark binds a base. `reasons` as WithdrawalReasons has them. kWithdrawn.
Status RefuseWithdrawn(const std::vector<std::string>& layers, const std::vector<std::string>& current,
                       const std::map<std::string, std::string>& reasons);

}  // namespace veneer::core
