// The NV counter of a TPM 2.0, through the ESYS interface of tpm2-tss.
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <cstdlib>

#include "fs/crypto/monotonic_counter.h"

namespace veneer::crypto {
namespace {

constexpr uint16_t kCounterSize = 8;  // bytes, big-endian

struct EsysDeleter {
  void operator()(ESYS_CONTEXT* context) const { Esys_Finalize(&context); }
};
struct TctiDeleter {
  void operator()(TSS2_TCTI_CONTEXT* context) const { Tss2_TctiLdr_Finalize(&context); }
};
struct EsysFree {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

Status Check(TSS2_RC code, const char* what) {
  if (code == TSS2_RC_SUCCESS) return {};
  return Fail(ErrorCode::kIo, "TPM: {}: {}", what, Tss2_RC_Decode(code));
}

// The handle of an NV index, closed again when it goes.
class NvHandle {
 public:
  NvHandle(ESYS_CONTEXT* context, ESYS_TR handle) : context_(context), handle_(handle) {}
  NvHandle(NvHandle&& other) noexcept
      : context_(other.context_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  NvHandle& operator=(NvHandle&&) = delete;
  ~NvHandle() {
    if (handle_ != ESYS_TR_NONE) Esys_TR_Close(context_, &handle_);
  }
  ESYS_TR get() const { return handle_; }

 private:
  ESYS_CONTEXT* context_;
  ESYS_TR handle_;
};

class TpmCounter final : public MonotonicCounter {
 public:
  explicit TpmCounter(uint32_t index) : index_(index) {}

  Status Connect(const std::string& tcti);
  Result<std::optional<uint64_t>> Read() override;
  Result<uint64_t> Make() override;
  Status Increment() override;

 private:
  Result<bool> IsThere() const;
  Result<NvHandle> Open() const;
  Result<uint64_t> ReadValue() const;

  uint32_t index_;
  std::unique_ptr<TSS2_TCTI_CONTEXT, TctiDeleter> tcti_;
  std::unique_ptr<ESYS_CONTEXT, EsysDeleter> esys_;  // before tcti_ goes, which it uses
};

Status TpmCounter::Connect(const std::string& tcti) {
  // The stack would write its own lines to standard error, beside the one that says what failed.
  ::setenv("TSS2_LOG", "all+none", 0);
  TSS2_TCTI_CONTEXT* transport = nullptr;
  VENEER_TRY(Check(Tss2_TctiLdr_Initialize(tcti.empty() ? nullptr : tcti.c_str(), &transport),
                   tcti.empty() ? "the machine's own" : tcti.c_str()));
  tcti_.reset(transport);
  ESYS_CONTEXT* context = nullptr;
  VENEER_TRY(Check(Esys_Initialize(&context, tcti_.get(), nullptr), "connecting"));
  esys_.reset(context);
  return {};
}

Result<bool> TpmCounter::IsThere() const {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  VENEER_TRY(Check(Esys_GetCapability(esys_.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                      index_, 1, &more, &raw),
                   "listing its indices"));
  const EsysPtr<TPMS_CAPABILITY_DATA> data(raw);
  return data->data.handles.count == 1 && data->data.handles.handle[0] == index_;
}

// The index, which must be a counter: an ordinary one could be set back.
Result<NvHandle> TpmCounter::Open() const {
  ESYS_TR handle = ESYS_TR_NONE;
  VENEER_TRY(
      Check(Esys_TR_FromTPMPublic(esys_.get(), index_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle),
            "opening its counter"));
  NvHandle opened(esys_.get(), handle);
  TPM2B_NV_PUBLIC* raw = nullptr;
  VENEER_TRY(
      Check(Esys_NV_ReadPublic(esys_.get(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr),
            "looking at its counter"));
  const EsysPtr<TPM2B_NV_PUBLIC> shape(raw);
  const TPMA_NV kind = (shape->nvPublic.attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT;
  if (kind != TPM2_NT_COUNTER || shape->nvPublic.dataSize != kCounterSize) {
    return Fail(ErrorCode::kIo, "TPM: NV index {:#x} is not a counter", index_);
  }
  return opened;
}

Result<uint64_t> TpmCounter::ReadValue() const {
  VENEER_ASSIGN(const NvHandle counter, Open());
  TPM2B_MAX_NV_BUFFER* raw = nullptr;
  VENEER_TRY(Check(Esys_NV_Read(esys_.get(), counter.get(), counter.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, kCounterSize, 0, &raw),
                   "reading its counter"));
  const EsysPtr<TPM2B_MAX_NV_BUFFER> bytes(raw);
  if (bytes->size != kCounterSize) return Fail(ErrorCode::kIo, "TPM: reading its counter: cut short");
  uint64_t value = 0;
  for (size_t i = 0; i < kCounterSize; ++i) value = value << 8 | bytes->buffer[i];
  return value;
}

Result<std::optional<uint64_t>> TpmCounter::Read() {
  VENEER_ASSIGN(const bool there, IsThere());
  if (!there) return std::optional<uint64_t>();
  VENEER_ASSIGN(const uint64_t value, ReadValue());
  return std::optional<uint64_t>(value);
}

Result<uint64_t> TpmCounter::Make() {
  TPM2B_NV_PUBLIC shape{};
  shape.nvPublic.nvIndex = index_;
  shape.nvPublic.nameAlg = TPM2_ALG_SHA256;
  shape.nvPublic.attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_AUTHREAD |
                              TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA;
  shape.nvPublic.dataSize = kCounterSize;
  const TPM2B_AUTH no_password{};
  ESYS_TR handle = ESYS_TR_NONE;
  VENEER_TRY(Check(Esys_NV_DefineSpace(esys_.get(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &no_password, &shape, &handle),
                   "making its counter"));
  const NvHandle made(esys_.get(), handle);
  VENEER_TRY(Increment());  // until then it has no value
  return ReadValue();
}

Status TpmCounter::Increment() {
  VENEER_ASSIGN(const NvHandle counter, Open());
  return Check(Esys_NV_Increment(esys_.get(), counter.get(), counter.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE),
               "raising its counter");
}

}  // namespace

Result<std::unique_ptr<MonotonicCounter>> OpenTpmCounter(const TpmPolicy& policy) {
  auto counter = std::make_unique<TpmCounter>(policy.nv_index);
  VENEER_TRY(counter->Connect(policy.tcti));
  return std::unique_ptr<MonotonicCounter>(std::move(counter));
}

}  // namespace veneer::crypto
