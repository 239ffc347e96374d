// The records of a snapshot's file; proto/snapshot_file.proto describes the format.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/snapshot_file.pb.h"
#include "sync/output_file.h"

namespace rotv {

inline constexpr uint32_t kSnapshotFileFormat = 1;

// Built beside the file, which is replaced by Commit().
class SnapshotFileWriter {
 public:
  explicit SnapshotFileWriter(const std::filesystem::path& path);
  // Throws kDisk, naming the path.
  void Write(const proto::SnapshotRecord& record);
  void Commit();

 private:
  std::unique_ptr<SeedOutput> output_;
};

class SnapshotFileReader {
 public:
  // Throws kUsage if the file cannot be opened.
  explicit SnapshotFileReader(const std::filesystem::path& path);
  ~SnapshotFileReader();

  // The next record; false at the end of the file. Throws kUsage if it is no snapshot's file, or one of a later format;
  // kCorrupt if it is damaged.
  bool Next(proto::SnapshotRecord* record);

  uint64_t bytes_read() const { return bytes_read_; }  // Of the file.

 private:
  struct State;
  // Fewer only at the end of the file.
  size_t Read(char* to, size_t size);
  [[noreturn]] void ThrowDamaged(const std::string& what) const;

  std::filesystem::path path_;
  std::unique_ptr<State> state_;
  uint64_t bytes_read_ = 0;
  bool first_ = true;
};

}  // namespace rotv
