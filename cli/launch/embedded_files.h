// The Containerfile and the entrypoint's scripts, which travel inside the program.

#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace rotv {

struct EmbeddedFile {
  std::string_view path;  // "Containerfile", "entrypoint/NAME".
  std::string_view text;
};

std::span<const EmbeddedFile> EmbeddedFiles();

// Writes all of them below `directory`, which is created; scripts become executable by everyone, and readable: the
// entrypoint changes its user. Throws kDisk.
void WriteEmbeddedFiles(const std::filesystem::path& directory);

}  // namespace rotv
