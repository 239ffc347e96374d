// The record that the library odd_disk keeps of what a program did to its files: entries of this form, one after the
// other. Each is followed by its name and by its data.

#pragma once

#include <cstdint>

namespace odd_disk {

enum class Action : uint64_t {
  kCreateFile,       // `name` in `directory` is a new file `inode`.
  kCreateDirectory,  // The same for a directory.
  kWrite,            // `data` at `offset` of `inode`.
  kResize,           // `inode` has `offset` bytes.
  kSyncFile,         // All of `inode` is durable.
  kSyncDirectory,    // All names in the directory `inode` are.
  kLink,             // `name` in `directory` is `inode` too.
  kUnname,           // `name` in `directory` is gone.
  kRenameFrom,       // The first half of a rename: `name` in `directory` is gone. The next entry is the second.
  kRenameTo,         // `name` in `directory` is `inode`.
};

struct Entry {
  Action action = Action::kWrite;
  uint64_t inode = 0;
  uint64_t directory = 0;  // The inode of a directory.
  uint64_t offset = 0;
  uint64_t name_bytes = 0;
  uint64_t data_bytes = 0;
};

}  // namespace odd_disk
