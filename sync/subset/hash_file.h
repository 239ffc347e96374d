// Keeps many hashes in a file without a name: gone when this is destroyed, or the process is killed.

#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <vector>

#include "storage/handle.h"

namespace rotv::subset {

// Any thread may call it.
class HashFile {
 public:
  // The file is made in `directory` by the first Append(); in memory if that cannot be written at all.
  explicit HashFile(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Returns the place of the first one. Throws kDisk, before the disk is quite full.
  uint64_t Append(const std::vector<uint64_t>& hashes);
  // Reads `count` hashes from a place on. Throws kDisk.
  void Read(uint64_t at, size_t count, uint64_t* hashes) const;

  uint64_t bytes() const { return size_ * sizeof(uint64_t); }

 private:
  const std::filesystem::path directory_;
  std::mutex mutex_;
  FileDescriptor file_;
  bool is_on_disk_ = true;
  uint64_t size_ = 0;  // In hashes.
};

}  // namespace rotv::subset
