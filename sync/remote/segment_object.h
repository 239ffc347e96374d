// One object with a part of a history. storage/REMOTE.md describes the bytes.

#pragma once

#include <string>
#include <string_view>

#include "proto/remote.pb.h"

namespace rotv::remote {

struct PackedSegment {
  proto::RemoteObject object;
  std::string bytes;
};
PackedSegment PackSegment(const proto::Segment& segment);

// The name under which an object is stored.
std::string NameOf(const proto::RemoteObject& object);

// Returns true if `bytes` are the object.
bool IsObject(const proto::RemoteObject& object, std::string_view bytes);

// Unpacks an object whose hash was compared (IsObject()). Throws kCorrupt if it is no segment, or if it would take more
// memory than its size allows; `place` is for messages.
proto::Segment ParseSegment(const proto::RemoteObject& object, std::string_view bytes, const std::string& place);

}  // namespace rotv::remote
