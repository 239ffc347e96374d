// A file that is either the old one or the complete new one, whatever happens in between.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/handle.h"

namespace rotv {

// Writes beside `path` and renames on Commit(). Without a Commit() the destructor removes what was written. The file is
// created 0600; a left-over of a killed run is overwritten by the next one.
class AtomicFile {
 public:
  // Throws kDisk if the directory cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws kDisk, naming the path, when the disk is full or the like.
  void Write(std::string_view bytes);

  // On return the new content survives power loss under `path`.
  void Commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor fd_;
  uint64_t written_ = 0;
  uint64_t started_ = 0;  // The disk was told to begin with everything before.
};

// Replaces the content of `path` in one step.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// The whole file; throws kDisk if it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Makes the names in a directory durable.
void SyncDirectory(const std::filesystem::path& directory);

// kDisk with the reason of `error_number` and a hint that fits it.
[[noreturn]] void ThrowDiskError(const std::string& what, const std::filesystem::path& path, int error_number);

}  // namespace rotv
