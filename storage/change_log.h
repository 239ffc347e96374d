// The change log records which rows each transaction touched. It is built in memory and stored in chunks.
//
// Key: the commit LSN of the chunk's first transaction and the chunk's number within it, both big-endian.
// Value: a LogChunk, zstd-compressed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "storage/row_version.h"

namespace rotv {

class ChangeLogBuilder {
 public:
  enum class Change { kInsert, kUpdate, kDelete };

  void Begin(Lsn commit_lsn, int64_t commit_time_us, uint32_t xid);
  void Add(TableId table, EpochNumber epoch, Change change, std::string_view row_key);
  // Adds one more row that the same change touched: the old key of an update. The change is not counted again.
  void AddKey(TableId table, EpochNumber epoch, std::string_view row_key);
  void Truncate(TableId table, EpochNumber new_epoch);
  void Commit();

  // Hands over the complete chunks, to be published; kAll closes and adds the one under way, and may be used only
  // between transactions.
  enum class Which { kComplete, kAll };
  std::vector<std::pair<std::string, std::string>> Take(Which which);

 private:
  proto::TableChanges* ChangesOf(TableId table, EpochNumber epoch);
  void CloseChunk();
  void ContinueInNextChunk();

  proto::LogChunk chunk_;
  size_t chunk_bytes_ = 0;
  proto::Transaction* transaction_ = nullptr;  // Inside chunk_; null between transactions.
  proto::TableChanges* last_changes_ = nullptr;
  uint32_t chunk_number_ = 0;  // Within the chunk's first transaction.
  std::vector<std::pair<std::string, std::string>> complete_;
};

// The key under which a chunk is stored.
std::string ChangeLogKey(Lsn commit_lsn, uint32_t chunk);
// Throws kCorrupt if `value` is not a chunk.
proto::LogChunk DecodeLogChunk(std::string_view value);

}  // namespace rotv
