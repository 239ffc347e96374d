// Applies the messages of pgoutput to the store: which row gets which version, which table a new epoch, and what the
// change log records. Does no I/O except through the writer.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/change_log.h"
#include "storage/version_buffer.h"
#include "sync/capture/store_writer.h"
#include "sync/formats/pgoutput.h"
#include "sync/formats/row_check.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/row_mask.h"
#include "sync/mask/row_sample.h"
#include "sync/schema/row_codec.h"

namespace rotv::capture {

// A table in the forms that its rows may have in the stream.
struct StreamedTable {
  struct Form {
    const proto::Table* table = nullptr;
    const proto::Shape* shape = nullptr;
  };
  TableId id = 0;
  std::vector<Form> forms;  // The form in force at the start comes first. None: the table's changes are dropped.
};

class Applier {
 public:
  struct Counts {
    uint64_t transactions = 0;
    uint64_t inserted = 0;
    uint64_t updated = 0;
    uint64_t deleted = 0;
    uint64_t truncated = 0;
  };

  // Transactions that commit before `from` are dropped: the store has them. What `tables` point to, `state` and
  // `writer` must outlive the applier. In `state` epochs change when tables are truncated, and tables whose rows come
  // in none of their forms are marked for a resync: from then on their changes are dropped. Rows are masked as their
  // tables' descriptions say, with `secret`.
  Applier(const std::vector<StreamedTable>& tables, StoreState& state, StoreWriter& writer, Lsn from,
          const mask::MaskSecret& secret);

  // Applies one message. Begin decides whether a transaction is wanted; the other messages belong to one. Throws
  // kProtocol if no server would send this message here: transactions come one after the other in the order of their
  // commits; rows come within one, after the Relation that describes them, with as many columns as it has, and with
  // every value that this kind of message has. What was applied before remains valid; this transaction is not, and must
  // not be published.
  void Apply(const formats::pgoutput::Message& message);

  bool in_transaction() const { return in_transaction_; }
  // The commit LSN of the transaction in progress.
  Lsn commit_lsn() const { return commit_lsn_; }
  // Everything that commits before this LSN was applied, or was in the store before.
  Lsn complete_until() const { return complete_until_; }
  void ReachedOutsideOfTransaction(Lsn position);

  // Returns about how many bytes wait in memory to be written.
  size_t buffered_bytes() const { return buffer_->bytes(); }
  // Hand over what waits, for the writer. Between transactions the log must be taken with the versions.
  std::shared_ptr<const VersionBuffer> TakeVersions();
  std::vector<std::pair<std::string, std::string>> TakeLog();

  const Counts& counts() const { return counts_; }

 private:
  struct Form {
    uint32_t shape;
    formats::RowCheck check;
    schema::RowCodec codec;
    mask::RowMask new_mask, old_mask;  // Two, since each one keeps its last result.
    mask::RowSample sample;
    mask::RowFilter filter;
  };
  struct Followed {
    TableId id;
    EpochNumber epoch = 0;
    std::vector<Form> forms;
    Form* form = nullptr;  // The form of the rows that come now; null while they are dropped.
  };

  void On(const formats::pgoutput::Begin& message);
  void On(const formats::pgoutput::Commit& message);
  void On(const formats::pgoutput::Relation& message);
  void On(const formats::pgoutput::Insert& message);
  void On(const formats::pgoutput::Update& message);
  void On(const formats::pgoutput::Delete& message);
  void On(const formats::pgoutput::Truncate& message);
  void On(const formats::pgoutput::Origin&) {}
  void On(const formats::pgoutput::Type&) {}
  void On(const formats::pgoutput::LogicalMessage&) {}

  void CheckPlace(const formats::pgoutput::Message& message) const;
  void CheckRow(const Followed& table, const formats::pgoutput::Tuple& row) const { table.form->check.Tuple(row); }
  // Drops the table's changes from now on, and marks it for a resync.
  void MarkForResync(uint32_t relation_oid);
  // Returns null if the table's changes are dropped.
  Followed* Find(uint32_t relation_oid);
  // Sets line_ to a row that must have come with all of its values.
  void TakeWholeLine(const Followed& table, const formats::pgoutput::Tuple& row, const formats::pgoutput::OldRow* old);
  void UpdateKeyed(Followed& table, const formats::pgoutput::Update& message);
  // Returns `row` itself if nothing is masked, else `*masked`.
  static const formats::pgoutput::OldRow* Masked(Form& form, const formats::pgoutput::OldRow& row,
                                                 formats::pgoutput::OldRow* masked);
  void PutRow(const Followed& table, std::string_view key, std::string_view line);
  void PutPartial(const Followed& table, std::string_view key);
  void PutTombstone(const Followed& table, std::string_view key);
  // Adds `change` (1 or -1) to the number of rows equal to `line` in a multiset, and leaves their key in key_. Returns
  // false if such rows are not kept.
  bool ChangeMultisetCount(Followed& table, std::string_view line, int change);
  // True if the table's conditions hold for a row that came with all of its values, or with `old` that has the rest.
  static bool IsWanted(const Followed& table, const formats::pgoutput::Tuple& row, const formats::pgoutput::Tuple* old);
  // True if the row under `key` is among those that are kept; always true if no condition leaves any out.
  bool IsStored(const Followed& table, std::string_view key);
  void Note(const Followed& table, ChangeLogBuilder::Change change, std::string_view key);
  // Fills the unchanged columns of line_ from the versions of the row under `key` before this one.
  void CompleteLine(const Followed& table, std::string_view key);
  std::optional<VersionBuffer::Found> Newest(std::string_view prefix);

  StoreState& state_;
  StoreWriter& writer_;
  std::map<uint32_t, Followed> tables_;
  std::unique_ptr<VersionBuffer> buffer_;
  ChangeLogBuilder log_;
  Counts counts_;
  const Lsn from_;

  bool in_transaction_ = false;
  bool dropping_ = false;                          // The store already has the transaction in progress.
  bool spilled_ = false;                           // A part of the transaction in progress has left the buffer.
  bool logged_ = false;                            // The transaction in progress has an entry in the change log.
  std::optional<formats::pgoutput::Begin> begin_;  // The last one that was applied.
  Lsn commit_lsn_;
  Lsn complete_until_;
  std::set<uint32_t> described_;  // Relations that the stream has described.
  Followed* last_ = nullptr;      // The table of the last message, which is mostly that of the next one.
  uint32_t last_oid_ = 0;
  std::string key_, old_key_, line_, found_bytes_;  // Kept to save allocations.
};

}  // namespace rotv::capture
