#include "fs/erofs/xattr_entry.h"

#include <cstring>

namespace veneer::erofs {

Result<XattrArea> DecodeXattrArea(ByteSpan area) {
  format::RawErofsXattrHeader raw{};
  if (area.size() < sizeof raw) return Fail(ErrorCode::kCorrupt, "xattr area of {} bytes", area.size());
  std::memcpy(&raw, area.data(), sizeof raw);
  const ByteSpan rest = area.subspan(sizeof raw);
  const size_t ids_size = raw.shared_count * sizeof(Le32);
  if (ids_size > rest.size()) {
    return Fail(ErrorCode::kCorrupt, "{} shared xattrs do not fit an xattr area of {} bytes",
                raw.shared_count, area.size());
  }
  return XattrArea{rest.first(ids_size), rest.subspan(ids_size)};
}

Result<XattrEntry> DecodeXattrEntry(ByteSpan bytes) {
  format::RawErofsXattrEntry raw{};
  if (bytes.size() < sizeof raw) return Fail(ErrorCode::kCorrupt, "an xattr ends early");
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (bytes.size() < XattrEntrySize(raw)) {
    return Fail(ErrorCode::kCorrupt, "an xattr of {} bytes does not fit the {} that are there",
                XattrEntrySize(raw), bytes.size());
  }
  const XattrEntry entry{raw.name_index, AsText(bytes.subspan(sizeof raw, raw.name_size)),
                         bytes.subspan(sizeof raw + raw.name_size, raw.value_size)};
  if (entry.suffix.find('\0') != std::string_view::npos)
    return Fail(ErrorCode::kCorrupt, "the name of an xattr holds a NUL");
  return entry;
}

std::string_view XattrPrefix(uint8_t name_index) {
  switch (name_index) {
    case format::kErofsXattrUser:
      return "user.";
    case format::kErofsXattrAclAccess:
      return "system.posix_acl_access";
    case format::kErofsXattrAclDefault:
      return "system.posix_acl_default";
    case format::kErofsXattrTrusted:
      return "trusted.";
    case format::kErofsXattrSecurity:
      return "security.";
    default:
      return {};
  }
}

}  // namespace veneer::erofs
