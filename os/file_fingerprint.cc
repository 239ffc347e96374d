#include "os/file_fingerprint.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace rotv::os {

std::optional<std::string> FileFingerprint(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return fmt::format("{}-{}-{}.{:09}", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace rotv::os
