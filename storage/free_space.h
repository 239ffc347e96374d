// The space on the disk that holds a directory, and how much of it is kept free.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rotv {

struct FreeSpace {
  uint64_t free = 0;     // Bytes that this user may still write.
  uint64_t reserve = 0;  // What is kept free of them, so that what was begun can be published, or removed.

  uint64_t usable() const { return free > reserve ? free - reserve : 0; }
};

// Gives the space on the disk of `directory`, or of the directory that it will be in; nullopt if it is not known.
std::optional<FreeSpace> FreeSpaceOf(const std::filesystem::path& directory);

// False if fewer than `bytes` can be written beside the reserve. Where the space is not known there is some.
bool HasFreeSpace(const std::filesystem::path& directory, uint64_t bytes);

// Throws kDisk, with the numbers, if fewer than `bytes` can be written beside the reserve.
void RequireFreeSpace(const std::filesystem::path& directory, uint64_t bytes);

}  // namespace rotv
