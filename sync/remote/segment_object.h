// One object with a part of a history. storage/REMOTE.md describes the bytes.

#pragma once

#include <string>
#include <string_view>

#include "proto/remote.pb.h"
#include "sync/remote/team_key.h"
#include "sync/remote/unpacked_segment.h"

namespace rotv::remote {

inline constexpr size_t kLargestRaw = size_t{2'000} << 20;  // Of a segment: protobuf's own limit.

struct PackedSegment {
  proto::RemoteObject object;
  std::string bytes;
};
// Sealed with `key`, if that is not null.
PackedSegment PackSegment(const proto::Segment& segment, const TeamKey* key);

// The name under which an object is stored.
std::string NameOf(const proto::RemoteObject& object);

// Returns true if `bytes` are the object.
bool IsObject(const proto::RemoteObject& object, std::string_view bytes);

// Unpacks an object whose hash was compared (IsObject()). Throws kCorrupt if it is no segment, or if it would take more
// memory than its size allows; `place` is for messages. With a key it must be sealed with that.
UnpackedSegment UnpackSegment(const proto::RemoteObject& object, std::string_view bytes, const std::string& place,
                              const TeamKey* key);

}  // namespace rotv::remote
