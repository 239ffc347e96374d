// Files that only their owner may read, for other programs that we run.

#pragma once

#include <filesystem>
#include <string_view>

namespace rotv::os {

// A file with mode 0600 from its first byte on, in a directory that is made where it is missing; gone with the object.
class PrivateFile {
 public:
  // Replaces what a killed run left there. Throws kDisk.
  PrivateFile(const std::filesystem::path& path, std::string_view text);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace rotv::os
