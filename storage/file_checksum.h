// A checksum of a whole file that is cheap enough to be computed while the file is written, and again before it is
// used: XXH3, 64 bits. It finds every kind of accident, also one that keeps the file's size and time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rotv {

class FileChecksum {
 public:
  FileChecksum();
  ~FileChecksum();
  void Add(std::string_view bytes);
  // That of all bytes so far.
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads the file; `look` is called now and then and may throw. Throws kDisk if it cannot be read.
uint64_t ChecksumOf(const std::filesystem::path& path, const std::function<void()>& look = {});

// The form in which notes have it: 16 hex digits.
std::string ChecksumText(uint64_t checksum);

}  // namespace rotv
