// Parses stored messages.

#pragma once

#include <google/protobuf/message_lite.h>

#include <string_view>

namespace rotv {

// Returns false if `bytes` are no such message. libprotobuf, which explains itself on standard error, is kept silent:
// the caller reports the damage.
bool ParseMessage(std::string_view bytes, google::protobuf::MessageLite* message);

}  // namespace rotv
