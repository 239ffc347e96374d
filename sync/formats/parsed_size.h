// How much memory a message of protobuf takes once it is parsed, found out before it is. Pure.

#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string_view>

namespace rotv::formats {

// True if parsing `bytes` as a message of `type` takes no more than about `limit` bytes: an empty message within
// another is two bytes there and hundreds in memory. False also where the bytes are no message.
bool FitsWhenParsed(const google::protobuf::Descriptor& type, std::string_view bytes, size_t limit);

}  // namespace rotv::formats
