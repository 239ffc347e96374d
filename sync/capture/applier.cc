#include "sync/capture/applier.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"

namespace rotv::capture {

// Messages become versions of rows: (table, epoch, key, commit LSN) to a line of COPY text, a count, or a tombstone.
// Invariants:
// - A version depends only on messages of its own transaction and on older versions. So a transaction that is sent
//   again, because the server missed our last standby status, is recognised by its commit LSN and dropped as a whole;
//   applying it twice would count the rows of a multiset twice.
// - What the order of messages promises is checked here and nowhere else: transactions ascend by commit LSN, and a
//   table is described before its first row. LSNs in the headers of frames are not checked, since a server sends a
//   transaction's first LSN with its Begin, which may lie before the last commit.
// - Every row is checked, then filtered on its real values, then masked, then keyed. Nothing later sees a real value.
//
// Values that are TOASTed and unchanged are not sent. Looking up the old row for each would make every update a read of
// the store; so a partial version is stored, and a scan completes it from older ones. Only two cases need the values at
// once: a changed key, since the new key has no older versions, and an earlier version of the same transaction, which
// has the same commit LSN and would be overwritten. A multiset reads its count, and a table with conditions whether the
// row is stored; both look first into what is not written yet.
//
// While the stream passes over a migration, rows are recognised by the Relation message before them: each table has a
// list of forms (before and after the migration), and one that fits none of them is marked for a resync, from its first
// such row on. No mapping from names is guessed, since two columns could be taken for each other.
//
// A row filter (`where`) makes an update an insert or a delete here, if the row comes into or leaves the kept set. A
// row that comes in without all of its values, or whose condition is about a value that was not sent, cannot be stored:
// the table is marked for a resync.

namespace {

[[noreturn]] void ThrowNoSuchRow() {
  throw Error(ErrorCode::kCorrupt, "the store does not have the row that the source has changed",
              "take a new baseline: rotv-sync baseline --force");
}

[[noreturn]] void ThrowOutOfOrder(const std::string& what) {
  throw Error(ErrorCode::kProtocol, "the source's stream of changes is out of order: " + what,
              "check what is between this machine and the source; what was received before is kept");
}

[[noreturn]] void ThrowNoOldRow() {
  throw Error(ErrorCode::kProtocol, "the source sent a change of a table with identity FULL without its old row",
              "please report this with the table's definition");
}

template <typename Kind>
bool Is(const formats::pgoutput::Message& message) {
  return std::holds_alternative<Kind>(message);
}

}  // namespace

Applier::Applier(const std::vector<StreamedTable>& tables, StoreState& state, StoreWriter& writer, Lsn from,
                 const mask::MaskSecret& secret)
    : state_(state),
      writer_(writer),
      buffer_(std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest)),
      from_(from),
      complete_until_(from) {
  const formats::TextEncoding encoding = formats::EncodingNamed(state.manifest().source().encoding());
  for (const StreamedTable& table : tables) {
    if (table.forms.empty()) continue;
    Followed& followed = tables_[table.id];
    followed.id = table.id;
    followed.epoch = state_.CurrentEpoch(table.id);
    for (const StreamedTable::Form& form : table.forms) {
      mask::RowFilter filter(*form.table, *form.shape);
      if (!filter.complete())
        continue;  // The conditions cannot be evaluated on such rows, so the table needs a
                   // resync.
      followed.forms.push_back(
          {form.shape->id(),
           formats::RowCheck({.table = form.table->quoted_name(),
                              .columns = static_cast<size_t>(form.shape->columns_size()),
                              .encoding = encoding}),
           schema::RowCodec(*form.table, *form.shape), mask::RowMask(*form.table, *form.shape, secret),
           mask::RowMask(*form.table, *form.shape, secret), mask::RowSample(*form.table, secret), std::move(filter)});
    }
    followed.form = followed.forms.empty() ? nullptr : &followed.forms.front();
  }
}

void Applier::CheckPlace(const formats::pgoutput::Message& message) const {
  if (Is<formats::pgoutput::Begin>(message)) {
    if (in_transaction_) ThrowOutOfOrder("a transaction begins within another");
    return;
  }
  if (in_transaction_) return;
  if (Is<formats::pgoutput::Commit>(message)) ThrowOutOfOrder("a transaction ends that did not begin");
  const auto* logical = std::get_if<formats::pgoutput::LogicalMessage>(&message);
  if (logical == nullptr || logical->transactional) ThrowOutOfOrder("a change is outside of a transaction");
}

void Applier::Apply(const formats::pgoutput::Message& message) {
  CheckPlace(message);
  if (dropping_ && !Is<formats::pgoutput::Commit>(message) && !Is<formats::pgoutput::Relation>(message)) return;
  std::visit([this](const auto& decoded) { On(decoded); }, message);
}

void Applier::On(const formats::pgoutput::Begin& message) {
  // A server that missed our last standby status sends again transactions that the store had at the start.
  dropping_ = message.commit_lsn < from_;
  const bool is_late = message.commit_lsn < complete_until_ && !dropping_;
  if (is_late || (begin_ && message.commit_lsn <= begin_->commit_lsn)) {
    ThrowOutOfOrder(fmt::format("a transaction at {} comes after a later one", message.commit_lsn.ToString()));
  }
  begin_ = message;
  commit_lsn_ = message.commit_lsn;
  in_transaction_ = true;
  spilled_ = false;
  logged_ = false;
}

void Applier::On(const formats::pgoutput::Commit& message) {
  if (message.commit_lsn != commit_lsn_ || message.end_lsn <= commit_lsn_) {
    ThrowOutOfOrder(fmt::format("the transaction at {} ends with the position of another one", commit_lsn_.ToString()));
  }
  if (logged_) {
    log_.Commit();
    ++counts_.transactions;
  }
  in_transaction_ = false;
  dropping_ = false;
  ReachedOutsideOfTransaction(message.end_lsn);
}

void Applier::ReachedOutsideOfTransaction(Lsn position) {
  if (position > complete_until_) complete_until_ = position;
}

Applier::Followed* Applier::Find(uint32_t relation_oid) {
  if (last_oid_ == relation_oid && last_oid_ != 0) return last_;
  if (described_.count(relation_oid) == 0) ThrowOutOfOrder("a change is of a table that was not described");
  auto found = tables_.find(relation_oid);
  last_ = found == tables_.end() || found->second.form == nullptr ? nullptr : &found->second;
  last_oid_ = relation_oid;
  if (last_ == nullptr && found != tables_.end()) MarkForResync(relation_oid);
  return last_;
}

void Applier::MarkForResync(uint32_t relation_oid) {
  state_.MarkForResync(relation_oid);
  tables_.erase(relation_oid);
  last_ = nullptr;
}

void Applier::On(const formats::pgoutput::Relation& message) {
  described_.insert(message.oid);
  auto found = tables_.find(message.oid);
  if (found == tables_.end()) return;
  Followed& table = found->second;
  // If two forms fit, the later one is used: its columns are the same, with newer modifiers of their types.
  auto fits = [&](const Form& form) { return form.codec.Fits(message); };
  auto form = std::find_if(table.forms.rbegin(), table.forms.rend(), fits);
  // Rows that fit no form may still be rows that the store has, of a transaction that is sent again.
  table.form = form == table.forms.rend() ? nullptr : &*form;
  last_oid_ = 0;  // The cached table may have had another form.
}

void Applier::Note(const Followed& table, ChangeLogBuilder::Change change, std::string_view key) {
  if (!logged_) log_.Begin(begin_->commit_lsn, begin_->commit_time_us, begin_->xid);
  logged_ = true;
  log_.Add(table.id, table.epoch, change, key);
}

const formats::pgoutput::OldRow* Applier::Masked(Form& form, const formats::pgoutput::OldRow& row,
                                                 formats::pgoutput::OldRow* masked) {
  if (form.old_mask.empty()) return &row;
  *masked = {row.kind, form.old_mask.Row(row.row)};
  return masked;
}

void Applier::PutRow(const Followed& table, std::string_view key, std::string_view line) {
  buffer_->Put({table.id, table.epoch, key, commit_lsn_},
               {.kind = RowVersion::Kind::kRow, .shape = table.form->shape, .count = 1, .text = line});
}

void Applier::PutTombstone(const Followed& table, std::string_view key) {
  buffer_->Put({table.id, table.epoch, key, commit_lsn_}, {.kind = RowVersion::Kind::kTombstone, .text = {}});
}

std::optional<VersionBuffer::Found> Applier::Newest(std::string_view prefix) {
  std::optional<VersionBuffer::Found> found = buffer_->Newest(prefix);
  return found ? found : writer_.Newest(prefix, &found_bytes_);
}

// A version that this transaction has already written for the row would be overwritten by the partial one, so its
// values are merged into it. Older versions stay, and a scan finds them.
void Applier::PutPartial(const Followed& table, std::string_view key) {
  std::string prefix = EncodeRowPrefix(table.id, table.epoch, key);
  std::optional<VersionBuffer::Found> before = buffer_->Newest(prefix);
  if (!before && spilled_) before = writer_.Newest(prefix, &found_bytes_);
  bool complete = before && before->commit_lsn == commit_lsn_ && before->version.kind != RowVersion::Kind::kTombstone &&
                  writer_.shapes().FillUnchanged(table.form->shape, &line_, before->version);
  buffer_->Put({table.id, table.epoch, key, commit_lsn_},
               {.kind = complete ? RowVersion::Kind::kRow : RowVersion::Kind::kPartial,
                .shape = table.form->shape,
                .count = 1,
                .text = line_});
}

void Applier::CompleteLine(const Followed& table, std::string_view key) {
  std::string prefix = EncodeRowPrefix(table.id, table.epoch, key);
  for (const VersionBuffer::Found& found : buffer_->Versions(prefix)) {
    if (found.version.kind == RowVersion::Kind::kTombstone) ThrowNoSuchRow();
    if (writer_.shapes().FillUnchanged(table.form->shape, &line_, found.version)) return;
  }
  std::optional<VersionBuffer::Found> stored = writer_.Newest(prefix, &found_bytes_);
  if (!stored || stored->version.kind != RowVersion::Kind::kRow) ThrowNoSuchRow();
  if (!writer_.shapes().FillUnchanged(table.form->shape, &line_, stored->version)) ThrowNoSuchRow();
}

void Applier::TakeWholeLine(const Followed& table, const formats::pgoutput::Tuple& row,
                            const formats::pgoutput::OldRow* old) {
  if (table.form->codec.LineOfTuple(row, old, &line_)) return;
  throw Error(ErrorCode::kProtocol, "the source sent a row without one of its columns",
              "please report this with the table's definition");
}

bool Applier::IsWanted(const Followed& table, const formats::pgoutput::Tuple& row,
                       const formats::pgoutput::Tuple* old) {
  const mask::RowFilter& filter = table.form->filter;
  return filter.empty() || filter.Row(row, old) == mask::RowFilter::Verdict::kYes;
}

bool Applier::IsStored(const Followed& table, std::string_view key) {
  if (table.form->filter.empty()) return true;
  std::optional<VersionBuffer::Found> found = Newest(EncodeRowPrefix(table.id, table.epoch, key));
  return found && found->version.kind != RowVersion::Kind::kTombstone;
}

bool Applier::ChangeMultisetCount(Followed& table, std::string_view line, int change) {
  table.form->codec.KeyOfLine(line, &key_);
  if (!table.form->sample.Keeps(key_)) return false;
  std::optional<VersionBuffer::Found> before = Newest(EncodeRowPrefix(table.id, table.epoch, key_));
  int64_t count = before && before->version.kind == RowVersion::Kind::kRow ? before->version.count : 0;
  count += change;
  if (count < 0) {
    throw Error(ErrorCode::kCorrupt, "the source deleted a row that the store does not have",
                "take a new baseline: rotv-sync baseline --force");
  }
  if (count == 0) {
    PutTombstone(table, key_);
    return true;
  }
  buffer_->Put({table.id, table.epoch, key_, commit_lsn_}, {.kind = RowVersion::Kind::kRow,
                                                            .shape = table.form->shape,
                                                            .count = static_cast<uint32_t>(count),
                                                            .text = line});
  return true;
}

void Applier::On(const formats::pgoutput::Insert& message) {
  Followed* found = Find(message.relation_oid);
  if (found == nullptr) return;
  Followed& table = *found;
  CheckRow(table, message.row);
  if (!IsWanted(table, message.row, nullptr)) return;
  const formats::pgoutput::Tuple& row = table.form->new_mask.Row(message.row);
  TakeWholeLine(table, row, nullptr);
  if (table.form->codec.is_multiset()) {
    if (!ChangeMultisetCount(table, line_, 1)) return;
  } else {
    table.form->codec.KeyOfTuple(row, nullptr, &key_);
    if (!table.form->sample.Keeps(key_)) return;
    PutRow(table, key_, line_);
  }
  Note(table, ChangeLogBuilder::Change::kInsert, key_);
  ++counts_.inserted;
}

void Applier::On(const formats::pgoutput::Update& message) {
  Followed* found = Find(message.relation_oid);
  if (found == nullptr) return;
  Followed& table = *found;
  CheckRow(table, message.row);
  if (message.old_row) CheckRow(table, message.old_row->row);
  if (!table.form->codec.is_multiset()) return UpdateKeyed(table, message);
  if (!message.old_row || message.old_row->kind != formats::pgoutput::OldKind::kFull) ThrowNoOldRow();
  formats::pgoutput::OldRow masked_old;
  const formats::pgoutput::OldRow* old = Masked(*table.form, *message.old_row, &masked_old);
  TakeWholeLine(table, old->row, nullptr);
  const bool removed = IsWanted(table, message.old_row->row, nullptr) && ChangeMultisetCount(table, line_, -1);
  if (removed) Note(table, ChangeLogBuilder::Change::kUpdate, key_);
  TakeWholeLine(table, table.form->new_mask.Row(message.row), old);
  const bool added = IsWanted(table, message.row, &message.old_row->row) && ChangeMultisetCount(table, line_, 1);
  if (added && removed) log_.AddKey(table.id, table.epoch, key_);
  if (added && !removed) Note(table, ChangeLogBuilder::Change::kUpdate, key_);
  if (added || removed) ++counts_.updated;
}

void Applier::UpdateKeyed(Followed& table, const formats::pgoutput::Update& message) {
  formats::pgoutput::OldRow masked_old;
  const formats::pgoutput::OldRow* old = message.old_row ? Masked(*table.form, *message.old_row, &masked_old) : nullptr;
  const formats::pgoutput::Tuple& row = table.form->new_mask.Row(message.row);
  bool complete = table.form->codec.LineOfTuple(row, old, &line_);
  table.form->codec.KeyOfTuple(row, old == nullptr ? nullptr : &old->row, &key_);
  old_key_ = key_;
  if (old != nullptr) table.form->codec.KeyOfTuple(old->row, nullptr, &old_key_);
  const bool has_all_old = old != nullptr && old->kind == formats::pgoutput::OldKind::kFull;
  const mask::RowFilter::Verdict verdict =
      table.form->filter.Row(message.row, has_all_old ? &message.old_row->row : nullptr);
  const bool was_kept = table.form->sample.Keeps(old_key_) && IsStored(table, old_key_);
  // A condition on a value that was not sent holds as it did before.
  const bool is_kept = table.form->sample.Keeps(key_) && verdict != mask::RowFilter::Verdict::kNo;
  if (!was_kept && !is_kept) return;
  // The row comes, or may come, into the kept set, and not all of it was sent.
  if (!was_kept && (!complete || verdict == mask::RowFilter::Verdict::kUnknown)) return MarkForResync(table.id);

  ++counts_.updated;
  Note(table, ChangeLogBuilder::Change::kUpdate, is_kept ? key_ : old_key_);
  if (was_kept && (old_key_ != key_ || !is_kept)) {
    if (!complete && is_kept) CompleteLine(table, old_key_);
    complete = true;
    PutTombstone(table, old_key_);
    if (is_kept) log_.AddKey(table.id, table.epoch, old_key_);
  }
  if (!is_kept) return;
  if (complete) {
    PutRow(table, key_, line_);
  } else {
    PutPartial(table, key_);
  }
}

void Applier::On(const formats::pgoutput::Delete& message) {
  Followed* found = Find(message.relation_oid);
  if (found == nullptr) return;
  Followed& table = *found;
  CheckRow(table, message.old_row.row);
  const formats::pgoutput::Tuple& old = table.form->old_mask.Row(message.old_row.row);
  if (table.form->codec.is_multiset()) {
    if (message.old_row.kind != formats::pgoutput::OldKind::kFull) ThrowNoOldRow();
    if (!IsWanted(table, message.old_row.row, nullptr)) return;
    TakeWholeLine(table, old, nullptr);
    if (!ChangeMultisetCount(table, line_, -1)) return;
  } else {
    table.form->codec.KeyOfTuple(old, nullptr, &key_);
    if (!table.form->sample.Keeps(key_) || !IsStored(table, key_)) return;
    PutTombstone(table, key_);
  }
  ++counts_.deleted;
  Note(table, ChangeLogBuilder::Change::kDelete, key_);
}

void Applier::On(const formats::pgoutput::Truncate& message) {
  for (uint32_t oid : message.relation_oids) {
    Followed* found = Find(oid);
    if (found == nullptr) continue;
    Followed& table = *found;
    table.epoch = state_.Truncate(table.id, commit_lsn_);
    if (!logged_) log_.Begin(begin_->commit_lsn, begin_->commit_time_us, begin_->xid);
    logged_ = true;
    log_.Truncate(table.id, table.epoch);
    ++counts_.truncated;
  }
}

std::shared_ptr<const VersionBuffer> Applier::TakeVersions() {
  spilled_ = in_transaction_;
  std::unique_ptr<VersionBuffer> full = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  full.swap(buffer_);
  return full;
}

std::vector<std::pair<std::string, std::string>> Applier::TakeLog() {
  return log_.Take(in_transaction_ ? ChangeLogBuilder::Which::kComplete : ChangeLogBuilder::Which::kAll);
}

}  // namespace rotv::capture
