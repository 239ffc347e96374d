// A directory below TMPDIR for as long as it is needed.

#pragma once

#include <filesystem>

namespace rotv::os {

class TemporaryDirectory {
 public:
  // Makes it, open to ourselves alone. Throws kDisk.
  TemporaryDirectory();
  // Removes it with everything in it.
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace rotv::os
