#include "cli/config/home.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/error.h"

namespace rotv::config {
namespace {

constexpr const char* kOtherPlace = "choose another place with --home DIR or ROTV_HOME";

[[noreturn]] void FailOnDisk(const std::filesystem::path& home, std::string_view what, const std::string& hint) {
  throw Error(ErrorCode::kDisk, fmt::format("the home directory {} {}", home.native(), what), hint);
}

}  // namespace

std::filesystem::path UserHome(const os::Environment& environment) {
  if (std::string home = os::Variable(environment, "HOME"); !home.empty()) return home;
  const passwd* entry = getpwuid(geteuid());
  if (entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir != '\0') return entry->pw_dir;
  throw Error(ErrorCode::kUsage, "there is no home directory: HOME is not set", "set HOME, or give --home DIR");
}

std::filesystem::path ExpandTilde(const std::filesystem::path& path, const os::Environment& environment) {
  const std::string& text = path.native();
  if (text == "~") return UserHome(environment);
  if (text.starts_with("~/")) return UserHome(environment) / path.lexically_relative("~");
  return path;
}

std::filesystem::path ResolveHome(const std::string& option, const os::Environment& environment) {
  std::string chosen = option.empty() ? os::Variable(environment, "ROTV_HOME") : option;
  std::filesystem::path home = chosen.empty() ? UserHome(environment) / ".rotv" : ExpandTilde(chosen, environment);
  home = std::filesystem::absolute(home).lexically_normal();
  return home.has_filename() ? home : home.parent_path();  // "dir/" and "dir" are the same.
}

void OpenHome(const std::filesystem::path& home, HomeUse use) {
  std::filesystem::path partial;
  for (const std::filesystem::path& part : home) {
    partial /= part;
    // Only directories that we create get our mode; existing ones keep theirs.
    if (mkdir(partial.c_str(), 0700) != 0 && errno != EEXIST) {
      int error = errno;
      if (struct stat status; stat(partial.c_str(), &status) == 0)
        continue;  // It exists, for example on a read-only file system.
      FailOnDisk(home, fmt::format("cannot be created: {}", std::strerror(error)), kOtherPlace);
    }
  }
  struct stat status;
  if (stat(home.c_str(), &status) != 0) {
    FailOnDisk(home, fmt::format("cannot be used: {}", std::strerror(errno)), kOtherPlace);
  }
  if (!S_ISDIR(status.st_mode)) FailOnDisk(home, "is not a directory", kOtherPlace);
  if (status.st_uid != geteuid()) FailOnDisk(home, "belongs to another user", kOtherPlace);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    FailOnDisk(home, "can be written by other users", fmt::format("chmod 700 '{}'", home.native()));
  }
  if (use == HomeUse::kWrite && access(home.c_str(), R_OK | W_OK | X_OK) != 0) {
    FailOnDisk(home, fmt::format("cannot be written: {}", std::strerror(errno)), kOtherPlace);
  }
  if (access(home.c_str(), R_OK | X_OK) != 0) {
    FailOnDisk(home, fmt::format("cannot be read: {}", std::strerror(errno)), kOtherPlace);
  }
}

}  // namespace rotv::config
