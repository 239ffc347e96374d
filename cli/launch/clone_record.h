// Which files of a running server's directory have the bytes of a warm cluster, as long as nobody changes them: so that
// a restart copies only the others again.
//
// A file has changed if its inode or its time of change (ctime) is another one, which no program can set. Times of
// older kernels have steps of some milliseconds: so a file is noted only in a later step than that of its time.

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
// True if it is a file with this one name that nobody has changed since.
bool IsUnchanged(const struct stat& status, const ClonedFile& file);

// The time by which files are given theirs.
int64_t FileTimeNs();
// Returns once that is later.
void AwaitFileTimeAfter(int64_t time_ns);

// `clone` is the server's directory; the record is beside it, where only we can write. If it cannot be written there is
// none.
std::filesystem::path CloneRecordPath(const std::filesystem::path& clone);
void WriteCloneRecord(const std::filesystem::path& clone, const CloneRecord& record);
std::optional<CloneRecord> ReadCloneRecord(const std::filesystem::path& clone);

}  // namespace rotv::launch
