#include "os/private_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "os/random_text.h"
#include "os/text_file.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::os {
namespace {

constexpr const char* kPrefix = "rotv-";
constexpr size_t kNameDigits = 32;

[[noreturn]] void Unsafe(const std::filesystem::path& place, const std::filesystem::path& directory,
                         const std::string& why) {
  throw Error(ErrorCode::kUsage,
              fmt::format("the database cannot be put into {}: {} {}, who could replace it", place.native(),
                          directory.native(), why),
              "name another directory with ROTV_TMPFS_DIR, one that is yours alone");
}

void RequireSafe(const std::filesystem::path& place, const std::filesystem::path& directory) {
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is not a directory", place.native()),
                "name another directory with ROTV_TMPFS_DIR");
  }
  if (status.st_uid != 0 && status.st_uid != geteuid()) Unsafe(place, directory, "belongs to another user");
  bool open_to_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (open_to_others && (status.st_mode & S_ISVTX) == 0) Unsafe(place, directory, "can be written by other users");
}

}  // namespace

void RequireSafePlace(const std::filesystem::path& place) {
  std::error_code problem;
  std::filesystem::path real = std::filesystem::canonical(place, problem);
  if (problem) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be used: {}", place.native(), problem.message()),
                "name another directory with ROTV_TMPFS_DIR");
  }
  std::filesystem::path partial;
  for (const std::filesystem::path& part : real) {
    partial /= part;
    RequireSafe(place, partial);
  }
}

std::optional<std::filesystem::path> PrivateDirectory::Find() const {
  std::optional<std::string> text = ReadTextFile(record_);
  if (!text || !text->starts_with('/')) return std::nullopt;
  std::filesystem::path directory = *text;
  struct stat status {};
  bool ours = directory.filename().native().starts_with(kPrefix) && lstat(directory.c_str(), &status) == 0 &&
              S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!ours) return std::nullopt;
  return directory;
}

std::filesystem::path PrivateDirectory::Make(const std::filesystem::path& place) const {
  RequireSafePlace(place);
  std::filesystem::path directory = std::filesystem::canonical(place) / (kPrefix + RandomText(kHexDigits, kNameDigits));
  std::filesystem::create_directories(record_.parent_path());
  WriteFileAtomically(record_, directory.native());
  // mkdir() fails if anything has the name, even a link.
  if (mkdir(directory.c_str(), 0700) != 0) ThrowDiskError("make", directory, errno);
  return directory;
}

void PrivateDirectory::Remove() const {
  if (std::optional<std::filesystem::path> directory = Find()) {
    std::error_code problem;
    std::filesystem::remove_all(*directory, problem);
    if (problem) {
      throw Error(ErrorCode::kDisk, fmt::format("{} cannot be removed: {}", directory->native(), problem.message()),
                  fmt::format("rm -r '{}'", directory->native()));
    }
  }
  std::filesystem::remove(record_);
}

}  // namespace rotv::os
