#include "tests/support/files/temp_dir.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "os/available_memory.h"

namespace rotv::testing {

std::filesystem::path DirectoryInMemory(uintmax_t room) {
  constexpr const char* kMemory = "/dev/shm";
  struct statfs system {};
  const bool usable = statfs(kMemory, &system) == 0 && system.f_type == TMPFS_MAGIC &&
                      (system.f_flags & ST_NOEXEC) == 0 &&
                      static_cast<uintmax_t>(system.f_bavail) * static_cast<uintmax_t>(system.f_bsize) >= room &&
                      os::AvailableMemory() >= room;  // A tmpfs has a limit of its own, which says nothing of that.
  return usable ? kMemory : "/tmp";
}

TempDir::TempDir(TempDirName name, const std::filesystem::path& parent) {
  std::string pattern = parent / "rotv-test.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::filesystem::filesystem_error("mkdtemp", pattern, std::error_code(errno, std::generic_category()));
  }
  root_ = pattern;
  chmod(root_.c_str(), 0755);  // NOLINT(bugprone-unused-return-value): our own new directory.
  path_ = root_;
  if (name == TempDirName::kWithSpace) {
    path_ = root_ / "a b";
    std::filesystem::create_directory(path_);
  }
}

TempDir::~TempDir() {
  if (std::getenv("ROTV_KEEP_TEMP") != nullptr) {
    std::fprintf(stderr, "kept: %s\n", root_.c_str());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

}  // namespace rotv::testing
