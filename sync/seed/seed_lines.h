// Reads a seed line by line, whatever its compression is.

#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace rotv::seed {

// Calls `line` with each line, without its end, in order; a line lives until the call returns. Memory is bounded by the
// longest line. Throws kDisk if the file cannot be read, and kCorrupt if its compression is damaged or it ends in the
// middle.
void ForEachSeedLine(const std::filesystem::path& path, const std::function<void(std::string_view)>& line);

}  // namespace rotv::seed
