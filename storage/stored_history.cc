#include <algorithm>

#include "storage/change_log.h"
#include "storage/compress.h"
#include "storage/rocks_row_store.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"

namespace rotv {

proto::SchemaVersion RocksRowStore::SchemaAt(Lsn lsn) const {
  std::unique_ptr<rocksdb::Iterator> schemas = NewIterator(kSchema);
  schemas->SeekForPrev(LsnKey("", lsn));
  CheckStatus(schemas->status(), directory_);
  if (!schemas->Valid()) throw Error(ErrorCode::kCorrupt, "the store has no schema for " + lsn.ToString());
  return Parse<proto::SchemaVersion>(ZstdDecompress(View(schemas->value())));
}

proto::SequenceValues RocksRowStore::SequencesAt(Lsn lsn) const {
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(kMeta);
  values->Seek(LsnKey(kSequencesPrefix, lsn));
  if (!values->Valid() || !values->key().starts_with(Slice(kSequencesPrefix))) {
    values->SeekForPrev(LsnKey(kSequencesPrefix, lsn));
  }
  CheckStatus(values->status(), directory_);
  if (!values->Valid() || !values->key().starts_with(Slice(kSequencesPrefix))) return {};
  return Parse<proto::SequenceValues>(View(values->value()));
}

std::vector<Lsn> RocksRowStore::LsnsOf(Family family, std::string_view prefix) const {
  std::vector<Lsn> lsns;
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(family);
  for (values->Seek(Slice(prefix)); values->Valid() && values->key().starts_with(Slice(prefix)); values->Next()) {
    lsns.emplace_back(ReadBigEndian64(values->key().data() + prefix.size()));
  }
  CheckStatus(values->status(), directory_);
  return lsns;
}

std::optional<RowStore::Head> RocksRowStore::LastHead(Lsn lsn) const {
  const rocksdb::Slice prefix = Slice(kSequencesPrefix);
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(kMeta);
  std::optional<Head> head;
  for (values->SeekForPrev(LsnKey(kSequencesPrefix, lsn)); values->Valid() && values->key().starts_with(prefix);
       values->Prev()) {
    const int64_t time_us = Parse<proto::SequenceValues>(View(values->value())).time_us();
    if (time_us == 0) continue;
    head = Head{.lsn = Lsn(ReadBigEndian64(values->key().data() + prefix.size())), .time_us = time_us};
    break;
  }
  CheckStatus(values->status(), directory_);
  return head;
}

void RocksRowStore::VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const {
  std::unique_ptr<rocksdb::Iterator> log = NewIterator(kLog);
  Lsn durable(durable_lsn_);
  from = std::max(from, Lsn(manifest().log_from_lsn()));
  // A chunk that begins before `from` may hold transactions at or after it.
  log->SeekForPrev(ChangeLogKey(from, 0));
  if (!log->Valid()) log->SeekToFirst();
  for (; log->Valid(); log->Next()) {
    proto::LogChunk chunk = DecodeLogChunk(View(log->value()));
    for (const proto::Transaction& transaction : chunk.transactions()) {
      Lsn commit_lsn(transaction.commit_lsn());
      if (commit_lsn >= durable) return;
      if (commit_lsn >= from && !visit(transaction)) return;
    }
  }
  CheckStatus(log->status(), directory_);
}

std::optional<proto::Transaction> RocksRowStore::LastLogged(Lsn before) const {
  std::unique_ptr<rocksdb::Iterator> log = NewIterator(kLog);
  const Lsn end = std::min(before, Lsn(durable_lsn_));
  for (log->SeekForPrev(ChangeLogKey(end, 0)); log->Valid(); log->Prev()) {
    proto::LogChunk chunk = DecodeLogChunk(View(log->value()));
    for (int i = chunk.transactions_size(); i-- > 0;) {
      if (Lsn(chunk.transactions(i).commit_lsn()) < end) return std::move(*chunk.mutable_transactions(i));
    }
  }
  CheckStatus(log->status(), directory_);
  return std::nullopt;
}

}  // namespace rotv
