// Files that are replaced atomically: after a crash a path names the old file or the complete new one.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {

// Writes to a temporary file beside `path`, under an unpredictable name ("NAME.rotv-XXXXXX.tmp"), and renames it on
// Commit(). Without a Commit() the destructor removes the temporary file. It is created 0600 and exclusively: in a
// directory that others may write to, a link placed there in advance is never followed. Each run removes the temporary
// files that killed runs left beside `path`.
class AtomicFile {
 public:
  // Throws kDisk if the directory cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws kDisk, naming the path, when the disk is full or the like.
  void Write(std::string_view bytes);

  // Gives the file this mode, and this group where that is allowed, before anybody sees it. Throws kDisk.
  void Permit(mode_t mode, gid_t group);

  // On return the new content survives power loss under `path`.
  void Commit();

  // The same, but returns false, and changes nothing, if there is a file at `path` already: of two runs at once one
  // wins.
  bool CommitIfMissing();

 private:
  void CreateTemporary();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor fd_;
  uint64_t written_ = 0;
  uint64_t started_ = 0;  // Writeback of all bytes before this offset was started.
};

// Replaces the content of `path` atomically and durably, with an AtomicFile.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// Removes the temporary files that killed runs have left beside `path`, as the next AtomicFile of that path does, too.
void RemoveTemporaryFiles(const std::filesystem::path& path);

// Creates a new file, 0600, in place of whatever `path` names, which is removed first (a link itself, not its target).
// The write is neither atomic nor synced: this is for files that only the present run needs; everything else goes
// through an AtomicFile. Throws kDisk.
void WriteNewFile(const std::filesystem::path& path, std::string_view content);

// Opens the file at `path`, and creates it (0600) if it is missing; `flags` as for open(). Follows no link. Throws
// kDisk.
FileDescriptor OpenOrCreateFile(const std::filesystem::path& path, int flags);

// Reads the whole file; throws kDisk if it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Syncs a directory, so that the names in it survive power loss. Throws kDisk.
void SyncDirectory(const std::filesystem::path& directory);

// Gives a kDisk, or a kCannotStart where too many files are open: "cannot `what` `path`", the reason of `error_number`
// (an errno), and a hint that fits it.
Error DiskError(const std::string& what, const std::filesystem::path& path, int error_number);
// Throws it.
[[noreturn]] void ThrowDiskError(const std::string& what, const std::filesystem::path& path, int error_number);

}  // namespace rotv
