// Reads small files that people write.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace rotv::os {

inline constexpr size_t kTextFileMaxBytes = 1 << 20;

// The whole of `path`; nothing if there is no such file. Throws kUsage if it cannot be read or is larger than 1 MiB.
std::optional<std::string> ReadTextFile(const std::filesystem::path& path);

}  // namespace rotv::os
