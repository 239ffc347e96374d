#include "storage/change_log.h"

#include "storage/compress.h"
#include "storage/error.h"
#include "storage/parse_message.h"
#include "storage/row_key.h"
#include "storage/varint.h"

// One key per transaction would mean 100,000 keys for 100,000 small transactions, and values too short to compress.
// So small transactions share a chunk, and a large one is continued in further chunks: memory is bounded by one chunk
// whatever a transaction's size, and a chunk may end with a transaction whose rest begins the next one. Keys order by
// commit LSN, then by chunk number; a reader that starts at an LSN must therefore begin with the chunk before it.

namespace rotv {
namespace {

// Large enough to compress well, and small enough that a transaction of any size needs little memory.
constexpr size_t kChunkBytes = 256 * 1024;
constexpr size_t kTransactionOverhead = 64;

}  // namespace

std::string ChangeLogKey(Lsn commit_lsn, uint32_t chunk) {
  std::string key;
  AppendBigEndian64(commit_lsn.value(), &key);
  AppendBigEndian32(chunk, &key);
  return key;
}

proto::LogChunk DecodeLogChunk(std::string_view value) {
  proto::LogChunk chunk;
  if (!ParseMessage(ZstdDecompress(value), &chunk)) {
    throw Error(ErrorCode::kCorrupt, "the store's change log is damaged");
  }
  return chunk;
}

void ChangeLogBuilder::Begin(Lsn commit_lsn, int64_t commit_time_us, uint32_t xid) {
  if (chunk_.transactions_size() == 0) chunk_number_ = 0;
  transaction_ = chunk_.add_transactions();
  transaction_->set_commit_lsn(commit_lsn.value());
  transaction_->set_commit_time_us(commit_time_us);
  transaction_->set_xid(xid);
  chunk_bytes_ += kTransactionOverhead;
  last_changes_ = nullptr;
}

proto::TableChanges* ChangeLogBuilder::ChangesOf(TableId table, EpochNumber epoch) {
  if (last_changes_ != nullptr && last_changes_->table() == table && last_changes_->epoch() == epoch) {
    return last_changes_;
  }
  last_changes_ = nullptr;
  for (proto::TableChanges& changes : *transaction_->mutable_changes()) {
    if (changes.table() == table && changes.epoch() == epoch) last_changes_ = &changes;
  }
  if (last_changes_ == nullptr) {
    last_changes_ = transaction_->add_changes();
    last_changes_->set_table(table);
    last_changes_->set_epoch(epoch);
    chunk_bytes_ += kTransactionOverhead;
  }
  return last_changes_;
}

void ChangeLogBuilder::Add(TableId table, EpochNumber epoch, Change change, std::string_view row_key) {
  proto::TableChanges* changes = ChangesOf(table, epoch);
  if (change == Change::kInsert) changes->set_inserted(changes->inserted() + 1);
  if (change == Change::kUpdate) changes->set_updated(changes->updated() + 1);
  if (change == Change::kDelete) changes->set_deleted(changes->deleted() + 1);
  AddKey(table, epoch, row_key);
}

void ChangeLogBuilder::AddKey(TableId table, EpochNumber epoch, std::string_view row_key) {
  proto::TableChanges* changes = ChangesOf(table, epoch);
  AppendVarint(row_key.size(), changes->mutable_keys());
  changes->mutable_keys()->append(row_key);
  chunk_bytes_ += row_key.size() + 1;
  if (chunk_bytes_ >= kChunkBytes) ContinueInNextChunk();
}

void ChangeLogBuilder::ContinueInNextChunk() {
  Lsn commit_lsn(transaction_->commit_lsn());
  int64_t time_us = transaction_->commit_time_us();
  uint32_t xid = transaction_->xid();
  uint32_t next = chunk_.transactions_size() == 1 ? chunk_number_ + 1 : 1;
  transaction_->set_continued(true);
  CloseChunk();
  Begin(commit_lsn, time_us, xid);
  chunk_number_ = next;
}

void ChangeLogBuilder::Truncate(TableId table, EpochNumber new_epoch) {
  ChangesOf(table, new_epoch)->set_truncated(true);
}

void ChangeLogBuilder::Commit() {
  transaction_ = nullptr;
  last_changes_ = nullptr;
  if (chunk_bytes_ >= kChunkBytes) CloseChunk();
}

void ChangeLogBuilder::CloseChunk() {
  if (chunk_.transactions_size() == 0) return;
  complete_.emplace_back(ChangeLogKey(Lsn(chunk_.transactions(0).commit_lsn()), chunk_number_),
                         ZstdCompress(chunk_.SerializeAsString(), kFastZstdLevel));
  chunk_.Clear();
  chunk_bytes_ = 0;
  transaction_ = nullptr;
  last_changes_ = nullptr;
}

std::vector<std::pair<std::string, std::string>> ChangeLogBuilder::Take(Which which) {
  if (which == Which::kAll) CloseChunk();
  return std::exchange(complete_, {});
}

}  // namespace rotv
