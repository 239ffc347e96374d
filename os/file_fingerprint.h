// Tells a file from one that was written over it or put in its place.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace rotv::os {

// Of its inode, size and time of change; nothing if it is not there.
std::optional<std::string> FileFingerprint(const std::filesystem::path& path);

}  // namespace rotv::os
