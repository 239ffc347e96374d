#include "sync/remote/segment_object.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/compress.h"
#include "storage/error.h"
#include "sync/remote/object_hash.h"

namespace rotv::remote {
namespace {

// Of all but rows. A publisher ends a segment after eight megabytes; only one row, or one schema, can be larger.
constexpr size_t kLargestParsed = size_t{128} << 20;

[[noreturn]] void ThrowNotUnderstood(const proto::RemoteObject& object, const std::string& place) {
  throw Error(ErrorCode::kCorrupt,
              fmt::format("the object {} of the remote {} cannot be understood", NameOf(object), place),
              "have the history published again: rotv-sync publish, on the machine that follows the source");
}

}  // namespace

PackedSegment PackSegment(const proto::Segment& segment, const TeamKey* key) {
  const std::string raw = segment.SerializeAsString();
  PackedSegment packed;
  packed.bytes = ZstdCompress(raw);
  if (key != nullptr) packed.bytes = key->Seal(TeamKey::Role::kObject, packed.bytes);
  packed.object.set_hash(HashOf(packed.bytes));
  packed.object.set_bytes(packed.bytes.size());
  packed.object.set_raw_bytes(raw.size());
  return packed;
}

std::string NameOf(const proto::RemoteObject& object) { return HashText(object.hash()); }

bool IsObject(const proto::RemoteObject& object, std::string_view bytes) {
  return bytes.size() == object.bytes() && HashOf(bytes) == object.hash();
}

UnpackedSegment UnpackSegment(const proto::RemoteObject& object, std::string_view bytes, const std::string& place,
                              const TeamKey* key) {
  std::optional<std::string> opened;
  if (key != nullptr) {
    opened = key->Open(TeamKey::Role::kObject, bytes);
    if (!opened) ThrowNotUnderstood(object, place);
    bytes = *opened;
  }
  std::optional<UnpackedSegment> segment =
      UnpackedSegment::Of(ZstdDecompress(bytes, std::min<uint64_t>(object.raw_bytes(), kLargestRaw)), kLargestParsed);
  if (!segment) ThrowNotUnderstood(object, place);
  return *std::move(segment);
}

}  // namespace rotv::remote
