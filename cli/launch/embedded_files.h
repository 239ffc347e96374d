// Writes the embedded Containerfile and entrypoint scripts to a directory.

#pragma once

#include <filesystem>

namespace rotv::launch {

// Writes all of them below `directory`, which is created. The files are readable and executable by everyone, because
// the entrypoint changes its user. Throws kDisk.
void WriteEmbeddedFiles(const std::filesystem::path& directory);

}  // namespace rotv::launch
