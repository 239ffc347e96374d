// Bounds the memory that a protobuf message takes, before it is parsed. Pure.

#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string_view>

namespace rotv::formats {

// True if parsing `bytes` as a message of `type` takes at most about `limit` bytes. The size of `bytes` is no bound: an
// empty message within another takes two bytes in the file and hundreds in memory. Also false if the bytes are no
// message.
bool FitsWhenParsed(const google::protobuf::Descriptor& type, std::string_view bytes, size_t limit);

}  // namespace rotv::formats
