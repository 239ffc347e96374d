// Sorted runs of rows in a file of their own, to be merged into one: the second half of an external sort.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/handle.h"
#include "storage/version_buffer.h"

namespace rotv {

// The file has no name: it is gone when this is destroyed, or the process is killed. One thread may use it.
class SpilledRuns {
 public:
  // The file is made in `directory`, by the first Add().
  explicit SpilledRuns(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Adds entries, which are in the order of their keys, as one run. Throws kDisk, before the disk is quite full.
  void Add(const VersionBuffer::Entry* begin, const VersionBuffer::Entry* end);

  bool empty() const { return runs_.empty(); }
  // True if the disk has room for so much more, and for all of it to be written to the store beside it.
  bool HasRoomFor(uint64_t bytes) const;

  // Calls `take` for the entries of all runs, in the order of their keys; key and value are valid during the call. Then
  // there are no runs any more. Memory is some 20 MB and one value, however many runs there are. Throws what `take`
  // throws, kDisk if the file cannot be read or written.
  using Take = std::function<void(std::string_view key, std::string_view value)>;
  void Merge(const Take& take);

 private:
  // A place in the file, with a part of a run or one value.
  struct Chunk {
    uint64_t at = 0;
    uint64_t bytes = 0;
    uint64_t checksum = 0;
  };
  struct Run {
    uint64_t begin = 0;  // All of it is between this place and the begin of the next run.
    std::vector<Chunk> chunks = {};
  };
  class Cursor;
  class Writer;

  void MergeRuns(size_t count, const Take& take);
  void RequireFile();
  // Writes `bytes` to the end of the file.
  Chunk Append(std::string_view bytes);
  void Read(const Chunk& chunk, std::string* bytes) const;
  [[noreturn]] void ThrowBroken() const;
  void FreeBefore(uint64_t end);

  std::filesystem::path directory_;
  FileDescriptor file_;
  uint64_t size_ = 0;
  std::vector<Run> runs_;
};

}  // namespace rotv
