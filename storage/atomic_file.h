// A file that is either the old one or the complete new one, whatever happens in between.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/handle.h"

namespace rotv {

// Writes beside `path`, under a name that nobody can foresee ("NAME.rotv-XXXXXX.tmp"), and renames on Commit(). Without
// a Commit() the destructor removes what was written. The file is created 0600, and never in the place of one that is
// there: in a directory that others may write to, a link that they have laid out is not written through. What killed
// runs left beside `path` is removed by the next one.
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
  void CreateTemporary();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor fd_;
  uint64_t written_ = 0;
  uint64_t started_ = 0;  // The disk was told to begin with everything before.
};

// Replaces the content of `path` in one step.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// A new file, 0600, in the place of whatever `path` names, which is removed (a link, not what it leads to). Not in one
// step and not synced, for what is of use to this run only; all else goes through an AtomicFile. Throws kDisk.
void WriteNewFile(const std::filesystem::path& path, std::string_view content);

// The file at `path`, 0600, made where it is missing; `flags` as for open(). Not through a link. Throws kDisk.
FileDescriptor OpenOrCreateFile(const std::filesystem::path& path, int flags);

// The whole file; throws kDisk if it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Makes the names in a directory durable.
void SyncDirectory(const std::filesystem::path& directory);

// kDisk with the reason of `error_number` and a hint that fits it.
[[noreturn]] void ThrowDiskError(const std::string& what, const std::filesystem::path& path, int error_number);

}  // namespace rotv
