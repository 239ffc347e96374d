#include "storage/free_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "storage/error.h"
#include "storage/size_text.h"

namespace rotv {
namespace {

// Room for a manifest, RocksDB's log (16 MB) and its new MANIFEST, the records of the workspace, and what other
// programs write meanwhile. A small disk cannot spare that much.
constexpr uint64_t kMostReserved = uint64_t{64} << 20;
constexpr uint64_t kReservedPart = 20;

std::filesystem::path ExistingPart(std::filesystem::path path) {
  std::error_code error;
  path = std::filesystem::absolute(path, error);
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

std::optional<FreeSpace> FreeSpaceOf(const std::filesystem::path& directory) {
  struct statvfs disk {};
  if (statvfs(ExistingPart(directory).c_str(), &disk) != 0 || disk.f_blocks == 0) return std::nullopt;
  const uint64_t block = disk.f_frsize;
  return FreeSpace{.free = disk.f_bavail * block,
                   .reserve = std::min(kMostReserved, disk.f_blocks * block / kReservedPart)};
}

bool HasFreeSpace(const std::filesystem::path& directory, uint64_t bytes) {
  const std::optional<FreeSpace> space = FreeSpaceOf(directory);
  return !space || space->usable() >= bytes;
}

void RequireFreeSpace(const std::filesystem::path& directory, uint64_t bytes) {
  const std::optional<FreeSpace> space = FreeSpaceOf(directory);
  if (!space || space->usable() >= bytes) return;
  throw Error(
      ErrorCode::kDisk,
      fmt::format("the disk is nearly full: {} are to be written to {}, {} are free there, and {} are kept free",
                  SizeText(bytes), directory.string(), SizeText(space->free), SizeText(space->reserve)),
      fmt::format("free space on the disk that holds {}, then run the command again", directory.string()));
}

}  // namespace rotv
