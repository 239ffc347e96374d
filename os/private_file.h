// Files that only their owner may read, for programs that we run.

#pragma once

#include <filesystem>
#include <string_view>

namespace rotv::os {

// A file that has mode 0600 before its first byte is written. Its directory is created if it is missing; the destructor
// removes the file.
class PrivateFile {
 public:
  // Replaces a file that a killed run left there. Throws kDisk.
  PrivateFile(const std::filesystem::path& path, std::string_view text);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace rotv::os
