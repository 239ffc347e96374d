// Holds RocksDB's own files against what a store has published, so that a store whose files are older than that is
// refused instead of giving an older state.
//
// A published state names the files of RocksDB that it needs (proto::StoredFiles), and has a number. The last number
// stands outside of RocksDB too, in the file `seal` beside its files (FORMAT.md), which is written after each state.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "proto/store.pb.h"
#include "storage/handle.h"

namespace rotv {

// The name of the file with the seal, which every store has from its first published state on.
inline constexpr const char* kSealName = "seal";

// Gives the files of RocksDB in `directory`: the one that CURRENT names, and its logs. Reads names and sizes alone.
// Throws kCorrupt if CURRENT names none, kDisk if the directory cannot be read.
proto::StoredFiles ReadStoredFiles(const std::filesystem::path& directory);

// Throws kCorrupt if `found`, read before RocksDB was opened, is less than `named`, what the state in force has named.
// Logs with numbers below `oldest_log` may be gone: RocksDB does not need them any more, by its MANIFEST.
void CheckStoredFiles(const std::filesystem::path& directory, const proto::StoredFiles& named,
                      const proto::StoredFiles& found, uint64_t oldest_log);

struct Seal {
  uint64_t state_number = 0;  // The number of the last published state, from 1.
  uint64_t manifest_number = 0;
  uint64_t manifest_bytes = 0;  // RocksDB's MANIFEST had at least as many bytes.
  uint64_t oldest_log = 0;      // The least number of a log that the state has named; 0: none.
};

// Gives the seal of a store, nullopt if it has none. Throws kCorrupt if it is damaged, kDisk if it cannot be read.
std::optional<Seal> ReadSeal(const std::filesystem::path& directory);

// The files of a store as they were before RocksDB opened them.
class FoundFiles {
 public:
  // Reads them, and holds them against the seal. Throws kCorrupt if they are less than was sealed.
  explicit FoundFiles(std::filesystem::path directory);
  // True if RocksDB has not changed its files since the last seal.
  bool as_sealed() const;
  // Holds them against the state that RocksDB holds; `oldest_log` as for CheckStoredFiles(). Throws kCorrupt.
  void Check(const proto::Manifest& manifest, uint64_t oldest_log) const;

 private:
  std::filesystem::path directory_;
  proto::StoredFiles files_;
  std::optional<Seal> seal_;
};

// Writes the seal of one store. One thread at a time may use it.
class SealFile {
 public:
  explicit SealFile(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // Seals the state with this number, which has named `files`. The seal survives power loss on return. A power loss in
  // between leaves the one before. Throws kDisk.
  void Write(uint64_t state_number, const proto::StoredFiles& files);

 private:
  std::filesystem::path directory_;
  FileDescriptor fd_;
};

}  // namespace rotv
