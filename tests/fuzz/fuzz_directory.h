// A directory in memory, for targets that read files.

#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "tests/fuzz/fuzz_check.h"

namespace rotv {

class FuzzDirectory {
 public:
  FuzzDirectory() {
    std::string pattern = access("/dev/shm", W_OK) == 0 ? "/dev/shm/rotv-fuzz.XXXXXX" : "/tmp/rotv-fuzz.XXXXXX";
    FuzzCheck(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~FuzzDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FuzzDirectory(const FuzzDirectory&) = delete;
  FuzzDirectory& operator=(const FuzzDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  void Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace rotv
