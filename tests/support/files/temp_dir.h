// A directory for one test. Every user of the machine can reach it; it is removed at the end.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rotv::testing {

// Returns /dev/shm if that is in memory, has `room` bytes free, and programs may be run there, else /tmp. A container's
// often has 64 MB. Thousands of small files, as of a cluster, cost much less in memory: ext4 without a journal looks at
// each inode that was freed lately, which after some tests are thousands, before it gives one out.
std::filesystem::path DirectoryInMemory(uintmax_t room);

enum class TempDirName { kPlain, kWithSpace };

class TempDir {
 public:
  // Makes a new directory (mode 0755) in `parent`; its name is short, so that a socket's path fits. Throws
  // std::filesystem::filesystem_error.
  explicit TempDir(TempDirName name = TempDirName::kPlain, const std::filesystem::path& parent = "/tmp");
  // Removes it with all its content, unless the environment has ROTV_KEEP_TEMP: then it prints the path.
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path root_;
  std::filesystem::path path_;
};

}  // namespace rotv::testing
