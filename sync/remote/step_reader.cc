#include "sync/remote/step_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/change_log.h"
#include "storage/compress.h"
#include "storage/error.h"
#include "sync/check/metadata_check.h"
#include "sync/formats/row_check.h"
#include "sync/formats/text_encoding.h"
#include "sync/schema/schema_check.h"

namespace rotv::remote {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;  // As the change log's own are.

// Tables are all that a check of rows needs of a schema; its texts may be megabytes.
proto::SchemaVersion TablesOf(const proto::SchemaVersion& schema) {
  proto::SchemaVersion tables;
  *tables.mutable_tables() = schema.tables();
  return tables;
}

}  // namespace

StepReader::StepReader(RowStore& store, const proto::RemoteHead& head, Into into, const Interrupt& interrupt)
    : store_(store), head_(head), interrupt_(interrupt) {
  for (const proto::TableHistory& history : head.state().tables()) {
    if (history.epochs().empty()) continue;
    for (const proto::Epoch& epoch : history.epochs()) {
      listed_.emplace(std::pair(history.table(), epoch.number()), Lsn(epoch.start_lsn()));
    }
  }
  if (into == Into::kNewStore) return;
  from_ = store.state().durable_lsn();
  former_head_ = store.state().head_lsn();
  for (const proto::TableHistory& history : store.manifest().tables()) {
    for (const proto::Epoch& epoch : history.epochs()) {
      listed_.emplace(std::pair(history.table(), epoch.number()), Lsn(epoch.start_lsn()));
    }
  }
}

void StepReader::Begin(const proto::RemoteStep& step) {
  if (step_ != nullptr) {
    from_ = std::max(from_, Lsn(step_->to().durable_lsn()));
    former_head_ = std::max(former_head_, Lsn(step_->to().head_lsn()));
  }
  step_ = &step;
  last_transaction_ = Lsn(step.from().durable_lsn());
}

RowBounds StepReader::Take(const UnpackedSegment& segment) {
  interrupt_.Check();
  try {
    TakeShapes(segment.descriptions());
    TakeSchemas(segment.descriptions());
    TakeTransactions(segment.descriptions());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kProtocol) throw;
    ThrowUnfit(fmt::format("what no source sends: {}", error.what()));
  }
  if (!segment.rows().empty() && check_ == nullptr) {
    check_ = std::make_shared<const check::EntryCheck>(store_, schemas_);
  }
  return {
      .begin = Lsn(step_->from().durable_lsn()), .end = Lsn(step_->to().durable_lsn()), .from = from_, .check = check_};
}

// Shapes are added before the first row that has one of them; by themselves they change nothing.
void StepReader::TakeShapes(const proto::Segment& segment) {
  RowStore::Addition addition;
  const formats::TextEncoding encoding = formats::EncodingNamed(head_.state().source().encoding());
  for (const proto::Shape& shape : segment.shapes()) {
    if (shape.id() == 0) ThrowUnfit("a shape without a number");
    if (store_.shapes().Has(shape.id())) {
      if (store_.shapes().Get(shape.id()).SerializeAsString() != shape.SerializeAsString()) {
        ThrowUnfit("two shapes with one number");
      }
      continue;
    }
    const formats::RowCheck field({.table = "a table", .columns = 1, .encoding = encoding});
    for (const proto::Column& column : shape.columns()) {
      if (column.has_missing()) field.Line(column.missing());
    }
    addition.shapes.push_back(shape);
  }
  if (!addition.shapes.empty()) store_.Publish(store_.state(), addition);
}

void StepReader::TakeSchemas(const proto::Segment& segment) {
  for (const proto::SegmentSchema& schema : segment.schemas()) {
    schema::CheckStoredSchema(schema.schema());
    if (!check::SchemaProblems(schema.schema(), Lsn(schema.lsn()), store_.shapes()).empty()) {
      ThrowUnfit("a table that does not fit its shape");
    }
    if (!IsNew(Lsn(schema.lsn()), "a schema of before or after its time")) continue;
    addition_.more_schemas.emplace_back(Lsn(schema.lsn()), schema.schema());
    schemas_.push_back(TablesOf(schema.schema()));
    check_.reset();  // It has those that came before.
  }
  for (const proto::SegmentSequences& sequences : segment.sequences()) {
    if (!IsNew(Lsn(sequences.lsn()), "sequences of before or after their time")) continue;
    addition_.more_sequences.emplace_back(Lsn(sequences.lsn()), sequences.values());
  }
}

void StepReader::TakeTransactions(const proto::Segment& segment) {
  for (const proto::Transaction& transaction : segment.transactions()) {
    const Lsn lsn(transaction.commit_lsn());
    if (lsn < last_transaction_ || lsn >= Lsn(step_->to().durable_lsn())) {
      ThrowUnfit("a change log that is not in order");
    }
    last_transaction_ = lsn;
    if (lsn < from_) continue;
    *chunk_.add_transactions() = transaction;
    chunk_bytes_ += transaction.ByteSizeLong();
    if (chunk_bytes_ >= kChunkBytes) CloseChunk();
  }
  CloseChunk();
  store_.WriteLog(chunks_);
  chunks_.clear();
}

void StepReader::CloseChunk() {
  if (chunk_.transactions().empty()) return;
  const Lsn lsn(chunk_.transactions(0).commit_lsn());
  // One that goes on with a transaction of the chunk before is never the first of that LSN: a reader from it would miss
  // what that chunk has.
  last_number_ = lsn == last_chunk_ ? last_number_ + 1 : lsn == last_in_chunk_ ? 1 : 0;
  last_chunk_ = lsn;
  last_in_chunk_ = Lsn(chunk_.transactions().rbegin()->commit_lsn());
  chunks_.emplace_back(ChangeLogKey(lsn, last_number_), ZstdCompress(chunk_.SerializeAsString()));
  chunk_.Clear();
  chunk_bytes_ = 0;
}

bool StepReader::IsNew(Lsn lsn, const char* what) const {
  if (lsn < Lsn(step_->from().head_lsn()) || lsn > Lsn(step_->to().head_lsn())) ThrowUnfit(what);
  return lsn >= former_head_;
}

void StepReader::Finish(const StoreState& state) {
  store_.Publish(state, addition_);
  (void)store_.SchemaAt(Lsn(head_.state().head_lsn()));  // Throws kCorrupt if there is none.
}

}  // namespace rotv::remote
