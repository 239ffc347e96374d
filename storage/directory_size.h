// How much the files of a directory take.

#pragma once

#include <cstdint>
#include <filesystem>
#include <system_error>

namespace rotv {

// The sizes of all files in it, added up; 0 if it is not there. Files that vanish meanwhile are not counted.
inline uint64_t DirectorySize(const std::filesystem::path& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
    if (!entry.is_regular_file(error)) continue;
    const uint64_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace rotv
