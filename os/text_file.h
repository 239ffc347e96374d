// Reads small text files that people write.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace rotv::os {

inline constexpr size_t kTextFileMaxBytes = 1 << 20;

// Reads the whole file; nullopt if it does not exist. Throws kUsage if it cannot be read or is larger than 1 MiB.
std::optional<std::string> ReadTextFile(const std::filesystem::path& path);

}  // namespace rotv::os
