// Reads a seed line by line, whatever it is compressed with.

#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace rotv::seed {

// Calls `line` with each, without its end, in order; a line lives until the call returns. Memory: the longest line and
// some. Throws kDisk if the file cannot be read, and kCorrupt if it is no file of its compression, or ends in the
// middle of it.
void ForEachSeedLine(const std::filesystem::path& path, const std::function<void(std::string_view)>& line);

}  // namespace rotv::seed
