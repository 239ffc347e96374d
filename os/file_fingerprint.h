// Detects that a file was overwritten or replaced.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace rotv::os {

// A text of the file's inode, size and modification time; nullopt if it does not exist.
std::optional<std::string> FileFingerprint(const std::filesystem::path& path);

}  // namespace rotv::os
