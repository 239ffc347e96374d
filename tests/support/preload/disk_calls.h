// What the parts of the library `odd_disk` share: a library for LD_PRELOAD that stands between a program and the files
// below one directory (ROTV_TEST_DISK_BELOW). It fails chosen calls (disk_faults.cc), and keeps a record of what was
// written, renamed and synced (disk_record.cc), of which tests make what a power loss may leave.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace odd_disk {

enum class Kind { kOpen, kCreate, kWrite, kResize, kSync, kRename, kMakeDirectory, kRemove, kLink };

struct Call {
  const char* name = "";
  Kind kind = Kind::kOpen;
  std::string path;  // The first path of the call, or that of its file.
};

// True if the file is below the directory.
bool IsWatched(const std::string& path);

struct Verdict {
  int error = 0;          // An errno: the call is not made and fails with it.
  bool is_short = false;  // A write writes only a half of what it is given.
};
// Counts the call, notes its name, and says what becomes of it. Does not return if the process ends here
// (ROTV_TEST_DISK_KILL_AT).
Verdict Decide(const Call& call);

// Record what a call has done. Nothing is recorded unless ROTV_TEST_DISK_RECORD names a file.
bool IsRecorded();
void RecordCreate(const std::string& path, bool is_directory);
void RecordWrite(int fd, off_t offset, const void* data, size_t bytes);
void RecordResize(int fd, off_t size);
void RecordSync(int fd);
void RecordRename(const std::string& from, const std::string& to);
void RecordRemove(const std::string& path);
void RecordLink(const std::string& from, const std::string& to);

}  // namespace odd_disk
