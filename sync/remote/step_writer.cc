#include "sync/remote/step_writer.h"

#include <set>
#include <utility>

#include "sync/remote/object_hash.h"

// What was added since a publication, the last one or an earlier one, is found by LSNs alone: versions that commit at
// or after the durable LSN of that state. Two kinds of versions are written below the head that they belong to, at L -
// 1: those of a copied table, and those of a repair. Both belong to a pull that has made a replication slot, which
// writes WAL: so L is greater than every earlier durable LSN, and L - 1 is not below it.
//
// A repair that ends after a publication of the same LSN is the exception, and is counted (Manifest.repairs): then all
// is published again, as where gc has dropped something since (sync/publish.cc).
//
// What a run that has not ended has written is not published: rows of epochs that the manifest does not name, and
// versions at or after the durable LSN.

namespace rotv::remote {
namespace {

constexpr size_t kSegmentBytes = size_t{8} << 20;
constexpr size_t kRowOverhead = 16;  // Of a row's fields besides key and line, at most.

std::string SchemaHash(const RowStore& store, Lsn lsn) { return HashOf(store.SchemaAt(lsn).SerializeAsString()); }

class StepWriter {
 public:
  StepWriter(const StepRequest& request, Progress& progress, const Interrupt& interrupt)
      : request_(request), store_(request.store), progress_(progress), interrupt_(interrupt) {
    if (request.since == nullptr) return;
    from_ = Lsn(request.since->durable_lsn());
    head_ = Lsn(request.since->head_lsn());
  }

  StepCounts Run() {
    AddDescriptions();
    AddTransactions();
    AddRows();
    Flush();
    return counts_;
  }

 private:
  // All of it is small, but schemas may be megabytes of text.
  void AddDescriptions() {
    const uint32_t known = request_.since == nullptr ? 0 : request_.since->greatest_shape();
    for (uint32_t id = known + 1; id <= store_.shapes().greatest_id(); ++id) {
      if (!store_.shapes().Has(id)) continue;
      *segment_.add_shapes() = store_.shapes().Get(id);
      Added(segment_.shapes().rbegin()->ByteSizeLong());
    }
    for (const Lsn lsn : store_.SchemaLsns()) {
      if (lsn < head_ || lsn > Lsn(store_.manifest().head_lsn()) || IsKnownSchema(lsn)) continue;
      proto::SegmentSchema* schema = segment_.add_schemas();
      schema->set_lsn(lsn.value());
      *schema->mutable_schema() = store_.SchemaAt(lsn);
      Added(schema->ByteSizeLong());
    }
    for (const Lsn lsn : store_.SequenceLsns()) {
      if (lsn < head_ || lsn > Lsn(store_.manifest().head_lsn())) continue;
      proto::SegmentSequences* sequences = segment_.add_sequences();
      sequences->set_lsn(lsn.value());
      *sequences->mutable_values() = store_.SequencesAt(lsn);
      Added(sequences->ByteSizeLong());
    }
  }

  // The schema at the former head may have been replaced by one that masks differently.
  bool IsKnownSchema(Lsn lsn) const {
    return request_.since != nullptr && lsn == head_ && SchemaHash(store_, lsn) == request_.since->last_schema();
  }

  void AddTransactions() {
    store_.VisitLog(from_, [&](const proto::Transaction& transaction) {
      *segment_.add_transactions() = transaction;
      if (!transaction.continued()) ++counts_.transactions;
      Added(transaction.ByteSizeLong());
      return true;
    });
  }

  void AddRows() {
    std::set<std::pair<TableId, EpochNumber>> listed;
    for (const proto::TableHistory& history : store_.manifest().tables()) {
      for (const proto::Epoch& epoch : history.epochs()) listed.emplace(history.table(), epoch.number());
    }
    const Lsn durable = store_.state().durable_lsn();
    store_.VisitVersions(
        [&](const VersionKey& key, const RowVersion& version, size_t) {
          if (key.commit_lsn >= durable || listed.count({key.table, key.epoch}) == 0) return;
          Add(key, version);
        },
        from_);
  }

  void Add(const VersionKey& key, const RowVersion& version) {
    constexpr uint64_t kBetweenLooks = 4096;
    if (++counts_.versions % kBetweenLooks == 0) {
      interrupt_.Check();
      progress_.Update(counts_.versions);
    }
    auto* tables = segment_.mutable_rows();
    if (tables->empty() || tables->rbegin()->table() != key.table || tables->rbegin()->epoch() != key.epoch) {
      proto::SegmentRows* rows = tables->Add();
      rows->set_table(key.table);
      rows->set_epoch(key.epoch);
    }
    proto::SegmentRow* row = tables->rbegin()->add_rows();
    row->set_key(std::string(key.row_key));
    row->set_commit_lsn(key.commit_lsn.value());
    switch (version.kind) {
      case RowVersion::Kind::kRow:
        row->set_kind(proto::SEGMENT_ROW);
        break;
      case RowVersion::Kind::kPartial:
        row->set_kind(proto::SEGMENT_PARTIAL_ROW);
        break;
      case RowVersion::Kind::kTombstone:
        row->set_kind(proto::SEGMENT_DELETED_ROW);
        break;
    }
    if (version.kind != RowVersion::Kind::kTombstone) {
      row->set_shape(version.shape);
      if (version.count != 1) row->set_count(version.count);
      row->set_line(std::string(version.text));
    }
    Added(key.row_key.size() + version.text.size() + kRowOverhead);
  }

  void Added(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ >= kSegmentBytes) Flush();
  }

  void Flush() {
    if (bytes_ == 0) return;
    interrupt_.Check();
    PackedSegment packed = PackSegment(segment_, request_.key);
    while (!request_.may_be_named(packed.object)) {
      segment_.set_salt(segment_.salt() + 1);
      packed = PackSegment(segment_, request_.key);
    }
    request_.take(std::move(packed));
    segment_.Clear();
    bytes_ = 0;
  }

  const StepRequest& request_;
  const RowStore& store_;
  Progress& progress_;
  const Interrupt& interrupt_;
  Lsn from_, head_;
  proto::Segment segment_;
  size_t bytes_ = 0;
  StepCounts counts_;
};

}  // namespace

StepCounts WriteStep(const StepRequest& request, Progress& progress, const Interrupt& interrupt) {
  return StepWriter(request, progress, interrupt).Run();
}

std::string LastSchemaHash(const RowStore& store) { return SchemaHash(store, store.state().head_lsn()); }

}  // namespace rotv::remote
