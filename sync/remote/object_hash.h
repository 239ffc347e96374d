// The hash by which the objects of a remote are named and checked: BLAKE2b, 32 bytes (RFC 7693).

#pragma once

#include <string>
#include <string_view>

namespace rotv::remote {

inline constexpr size_t kHashBytes = 32;

std::string HashOf(std::string_view bytes);

// In lower-case hex digits.
std::string HashText(std::string_view hash);

// True for what HashText() gives of a hash: whatever else is beside the objects belongs to others.
bool IsObjectName(std::string_view name);

// True for the name of an object too that a killed publisher was writing: a hash, a dot, and more.
bool IsOurs(std::string_view name);

}  // namespace rotv::remote
