// Files that are embedded in the program (cmake/Embed.cmake).

#pragma once

#include <span>
#include <string_view>

namespace rotv::program {

struct EmbeddedFile {
  std::string_view path;  // Relative to the source tree: "Containerfile", "entrypoint/NAME".
  std::string_view text;
};

// The Containerfile and the entrypoint's scripts.
std::span<const EmbeddedFile> ContainerFiles();

// HTML pages that commands fill in.
std::span<const EmbeddedFile> PageFiles();

// The scripts that complete command lines, one for each shell: completion.bash and so on.
std::span<const EmbeddedFile> CompletionFiles();

}  // namespace rotv::program
