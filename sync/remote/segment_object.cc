#include "sync/remote/segment_object.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/compress.h"
#include "storage/error.h"
#include "storage/parse_message.h"
#include "sync/formats/parsed_size.h"
#include "sync/remote/object_hash.h"

namespace rotv::remote {
namespace {

// A publisher ends a segment after eight megabytes; only one row, or one schema, can be larger.
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

proto::Segment ParseSegment(const proto::RemoteObject& object, std::string_view bytes, const std::string& place,
                            const TeamKey* key) {
  std::optional<std::string> opened;
  if (key != nullptr) {
    opened = key->Open(TeamKey::Role::kObject, bytes);
    if (!opened) ThrowNotUnderstood(object, place);
    bytes = *opened;
  }
  const std::string raw = ZstdDecompress(bytes, std::min<uint64_t>(object.raw_bytes(), kLargestRaw));
  proto::Segment segment;
  // One large row takes what it is long; many small ones several times that.
  const size_t most = std::max(kLargestParsed, raw.size() + raw.size() / 8);
  if (!formats::FitsWhenParsed(*proto::Segment::descriptor(), raw, most) || !ParseMessage(raw, &segment)) {
    ThrowNotUnderstood(object, place);
  }
  return segment;
}

}  // namespace rotv::remote
