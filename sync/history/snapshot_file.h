// Writes and reads the records of a snapshot's file; proto/snapshot_file.proto describes the format.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/snapshot_file.pb.h"
#include "storage/output_file.h"
#include "sync/history/snapshot_signature.h"

namespace rotv::history {

inline constexpr uint32_t kSnapshotFileFormat = 1;
// The largest record of an unsigned file: it is unpacked and parsed within 256 MiB of memory, whatever it contains. A
// larger record, which is one large row or very many tables, is read only from a signed file.
inline constexpr size_t kLargestUnsignedRecord = size_t{32} << 20;

// Builds the file beside the old one, which Commit() replaces.
class SnapshotFileWriter {
 public:
  // Signs the file with `key`, if there is one.
  SnapshotFileWriter(const std::filesystem::path& path, const SigningKey* key);
  // Throws kDisk, naming the path.
  void Write(const proto::SnapshotRecord& record);
  void Commit();
  size_t largest_record() const { return largest_record_; }

 private:
  size_t largest_record_ = 0;
  std::unique_ptr<SeedOutput> output_;
};

class SnapshotFileReader {
 public:
  // Opens the file. With a `key` it must be signed by that key. Throws kUsage if the file cannot be opened, kCorrupt if
  // the signature is missing or wrong: then nothing is unpacked.
  SnapshotFileReader(const std::filesystem::path& path, const PublicKey* key);
  ~SnapshotFileReader();

  // Reads the next record; returns false at the end of the file. Throws kUsage if it is no snapshot's file, or one of a
  // later format; kCorrupt if it is damaged, if a record is larger than allowed, or if the bytes that were read are not
  // the bytes that were verified.
  bool Next(proto::SnapshotRecord* record);

  uint64_t bytes_read() const { return bytes_read_; }  // Bytes of the file.

 private:
  struct State;
  // Returns fewer bytes only at the end of the file.
  size_t Read(char* to, size_t size);
  bool FillInput();
  void CheckEnd();
  void Parse(const std::string& bytes, proto::SnapshotRecord* record) const;
  [[noreturn]] void ThrowDamaged(const std::string& what) const;

  std::filesystem::path path_;
  std::unique_ptr<State> state_;
  uint64_t bytes_read_ = 0;
  bool first_ = true;
};

}  // namespace rotv::history
