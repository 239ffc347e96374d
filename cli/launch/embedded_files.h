// The Containerfile and the entrypoint's scripts, where containers and processes find them.

#pragma once

#include <filesystem>

namespace rotv::launch {

// Writes all of them below `directory`, which is created; scripts become executable by everyone, and readable: the
// entrypoint changes its user. Throws kDisk.
void WriteEmbeddedFiles(const std::filesystem::path& directory);

}  // namespace rotv::launch
