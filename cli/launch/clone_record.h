// Which files of a running server's directory have the bytes of a warm cluster, as long as nobody changes them: so that
// a restart copies only the others again.
//
// A file has changed if its inode or its time of change (ctime) is another one, which no program can set. Times of
// older kernels have steps of some milliseconds: so a file is noted only in a later step than that of its time. That is
// known of tmpfs alone: elsewhere steps may be longer, or of another clock, and there is no record. Nor does every
// write through memory (mmap) change the time: so only files of relations count, which PostgreSQL writes by calls.

#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace rotv::launch {

struct ClonedFile {
  uint64_t inode = 0;
  int64_t changed_ns = 0;
};

struct CloneRecord {
  std::filesystem::path cluster;            // HOME/warm/ID/cluster.
  std::map<std::string, ClonedFile> files;  // By name below the directory.
};

ClonedFile ClonedFileOf(const struct stat& status);
// "base/16384/2619_fsm.1": relations, and their forks and segments, alone.
bool IsOfRelation(const std::string& name);
// True if it is a file with this one name that nobody has changed since.
bool IsUnchanged(const struct stat& status, const ClonedFile& file);

// The time by which files are given theirs.
int64_t FileTimeNs();
// Returns once that is later; false if it does not become so.
bool AwaitFileTimeAfter(int64_t time_ns);

// `clone` is the server's directory; the record is beside it, where only we can write. If it cannot be written, or if
// the directory is not on a tmpfs, there is none afterwards.
std::filesystem::path CloneRecordPath(const std::filesystem::path& clone);
void WriteCloneRecord(const std::filesystem::path& clone, const CloneRecord& record);
std::optional<CloneRecord> ReadCloneRecord(const std::filesystem::path& clone);

}  // namespace rotv::launch
