#include <fmt/format.h>

#include <algorithm>

#include "tests/storage/store_check.h"
#include "tests/storage/store_walk.h"
#include "tests/storage/store_walk_values.h"

namespace rotv::testing {

// --- Pulls

std::string StoreWalk::Field(uint32_t seed) {
  if (seed % 13 == 0) return "\\N";
  if (seed % 97 == 0) return fmt::format("{}{}", ++written_, std::string(seed % 3000, 'x'));
  if (seed % 7 == 0) return "";
  return fmt::format("v{}", ++written_);
}

void StoreWalk::EnsureTransaction() {
  if (in_transaction_) return;
  if (resync_ && next_lsn_ >= resync_->lsn) EndResync();
  if (!model_.now.pulling) {
    model_.now.state.BeginPull();
    model_.now.pulling = true;
    Publish({});
  }
  commit_lsn_ = next_lsn_;
  in_transaction_ = true;
  logged_ = spilled_ = false;
  transaction_ = {.commit_lsn = commit_lsn_, .time_us = static_cast<int64_t>(commit_lsn_) * 10, .changes = {}};
}

ModelChanges& StoreWalk::Changes(TableId table, EpochNumber epoch) {
  if (!logged_) log_.Begin(Lsn(commit_lsn_), transaction_.time_us, static_cast<uint32_t>(commit_lsn_));
  logged_ = true;
  return transaction_.changes[{table, epoch}];
}

void StoreWalk::Commit() {
  if (!in_transaction_) return;
  if (logged_) {
    log_.Commit();
    model_.Log(std::move(transaction_));
  }
  in_transaction_ = false;
  next_lsn_ = commit_lsn_ + kLsnStep * (1 + written_ % 3);
  if (resync_) next_lsn_ = std::min(next_lsn_, resync_->lsn);
}

// Writes what waits in memory, in the middle of a transaction too.
void StoreWalk::Flush() {
  const auto chunks = log_.Take(in_transaction_ ? ChangeLogBuilder::Which::kComplete : ChangeLogBuilder::Which::kAll);
  if (store_ != nullptr) {
    store_->Write(*buffer_);
    if (!chunks.empty()) store_->WriteLog(chunks);
  }
  buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  spilled_ = in_transaction_;
  if (store_ == nullptr || written_ % 8 != 0) return;
  for (const auto& [table, form] : model_.now.schemas.rbegin()->second.tables) {
    if (Streamed(table)) StoreCheck(*store_, model_).Newest(table, model_.now.state.CurrentEpoch(table));
  }
}

void StoreWalk::PublishProgress(const Step& step) {
  Commit();
  if (!model_.now.pulling) return;
  Flush();
  // The next commit is at this LSN or later, the last one was before it.
  const uint64_t lsn = std::max(model_.now.durable, next_lsn_ - (step.a % 2 == 0 ? 0 : kLsnStep - 1));
  model_.now.state.Advance(Lsn(lsn));
  model_.now.durable = lsn;
  Publish({});
}

void StoreWalk::EndPull() {
  if (resync_ || !model_.now.must_copy.empty()) return EndResync();
  Commit();
  if (!model_.now.pulling) return;
  Flush();
  ModelState& now = model_.now;
  now.state.Advance(Lsn(next_lsn_));
  now.state.EndIncrementalPull({.time_us = static_cast<int64_t>(next_lsn_) * 10});
  now.durable = now.head = next_lsn_;
  now.pulling = false;
  RowStore::Addition addition;
  AddDescriptions(next_lsn_, false, &addition);
  Publish(addition);
}

// Ends the pull under way, so that something can be done that needs none.
void StoreWalk::Settle(const Step& step) {
  if (!resync_ && !model_.now.must_copy.empty()) BeginResync({.a = step.c, .b = step.b, .c = 1});
  EndPull();
}

std::optional<TableId> StoreWalk::Streamed(uint32_t which) const {
  const auto& tables = model_.now.schemas.rbegin()->second.tables;
  const auto place = static_cast<ptrdiff_t>(which % tables.size());
  const TableId table = std::next(tables.begin(), place)->first;
  if (model_.now.must_copy.count(table) != 0) return std::nullopt;
  if (resync_ && resync_->schema.tables.count(table) == 0) return std::nullopt;  // It is dropped on the source.
  return table;
}

ModelTable StoreWalk::FormInStream(TableId table) const {
  if (resync_ && resync_->passed) return resync_->schema.tables.at(table);
  return model_.now.schemas.rbegin()->second.tables.at(table);
}

void StoreWalk::Change(const Step& step) {
  const std::optional<TableId> table = Streamed(step.a);
  if (!table) return;
  EnsureTransaction();
  const std::optional<TableId> still = Streamed(step.a);  // Ending a resync may have changed the schema.
  if (!still) return;
  if (resync_ && step.c % 5 == 0) resync_->passed = true;
  const ModelTable form = FormInStream(*still);
  if (form.kind == ModelTable::Kind::kMultiset) return ChangeMultiset(*still, form, step);
  ChangeKeyed(*still, form, step);
}

void StoreWalk::PutTombstone(TableId table, const std::string& key) {
  const EpochNumber epoch = model_.now.state.CurrentEpoch(table);
  buffer_->Put({table, epoch, key, Lsn(commit_lsn_)}, {.kind = RowVersion::Kind::kTombstone, .text = {}});
  model_.Put(table, epoch, key, {commit_lsn_, std::nullopt});
}

// Writes a row of which some values were not sent. A version that this transaction has written already would be
// overwritten, so its values are taken in, as the applier does.
void StoreWalk::PutRow(TableId table, const std::string& key, const ModelRow& row, const std::vector<bool>& unchanged) {
  const EpochNumber epoch = model_.now.state.CurrentEpoch(table);
  model_.Put(table, epoch, key, {commit_lsn_, row});
  ModelRow sent = row;
  bool partial = false;
  for (size_t i = 0; i < unchanged.size(); ++i) {
    if (!unchanged[i]) continue;
    sent.fields[i] = kUnchangedField;
    partial = true;
  }
  std::string line = model_.LineOf(sent, 0);
  if (partial && store_ != nullptr) {
    const std::string prefix = EncodeRowPrefix(table, epoch, key);
    std::string bytes;
    std::optional<VersionBuffer::Found> before = buffer_->Newest(prefix);
    if (!before && spilled_) before = store_->Newest(prefix, &bytes);
    if (before && before->commit_lsn == Lsn(commit_lsn_) && before->version.kind != RowVersion::Kind::kTombstone) {
      partial = !store_->shapes().FillUnchanged(row.shape, &line, before->version);
    }
  }
  buffer_->Put({table, epoch, key, Lsn(commit_lsn_)},
               {.kind = partial ? RowVersion::Kind::kPartial : RowVersion::Kind::kRow,
                .shape = row.shape,
                .count = row.count,
                .text = line});
}

void StoreWalk::ChangeKeyed(TableId table, const ModelTable& form, const Step& step) {
  const EpochNumber epoch = model_.now.state.CurrentEpoch(table);
  const std::string key = KeyOf(form.kind, step.b % kKeysOfATable);
  const ModelRow* before = model_.Newest(table, epoch, key);
  const uint32_t how = step.c % 16;
  if (before == nullptr && how > 0 && how < 4) return;
  ModelChanges& changes = Changes(table, epoch);
  if (how < 4) {  // A DELETE; now and then one of a row that is not there.
    ++changes.deleted;
    changes.keys.insert(key);
    log_.Add(table, epoch, ChangeLogBuilder::Change::kDelete, key);
    return PutTombstone(table, key);
  }
  ModelRow row{.shape = form.shape};
  const size_t columns = model_.now.shapes.at(form.shape).columns.size();
  for (size_t i = 0; i < columns; ++i) row.fields.push_back(Field(step.c / 16 >> i));
  std::vector<bool> unchanged(columns);
  if (before != nullptr && how < 11) {
    const std::vector<std::string> old = model_.Converted(*before, form.shape);
    for (size_t i = 1; i < columns; ++i) {
      if ((step.b / kKeysOfATable >> i) % 2 == 0) continue;
      unchanged[i] = true;
      row.fields[i] = old[i];
    }
  }
  if (before == nullptr) {
    ++changes.inserted;
    log_.Add(table, epoch, ChangeLogBuilder::Change::kInsert, key);
    changes.keys.insert(key);
    return PutRow(table, key, row, {});
  }
  ++changes.updated;
  const std::string new_key = KeyOf(form.kind, step.b / kKeysOfATable % kKeysOfATable);
  const bool moves = how == 4 && new_key != key && model_.Newest(table, epoch, new_key) == nullptr;
  log_.Add(table, epoch, ChangeLogBuilder::Change::kUpdate, moves ? new_key : key);
  changes.keys.insert(moves ? new_key : key);
  if (!moves) return PutRow(table, key, row, unchanged);
  log_.AddKey(table, epoch, key);
  changes.keys.insert(key);
  PutTombstone(table, key);
  PutRow(table, new_key, row, {});
}

void StoreWalk::AddToMultiset(TableId table, const ModelRow& row, int change) {
  const EpochNumber epoch = model_.now.state.CurrentEpoch(table);
  const std::string line = model_.LineOf(row, 0);
  std::string key;
  AppendMultisetKey(line, &key);
  const ModelRow* before = model_.Newest(table, epoch, key);
  const uint32_t known = before == nullptr ? 0 : before->count;
  if (store_ != nullptr) {
    const std::string prefix = EncodeRowPrefix(table, epoch, key);
    std::string bytes;
    std::optional<VersionBuffer::Found> found = buffer_->Newest(prefix);
    if (!found) found = store_->Newest(prefix, &bytes);
    const uint32_t stored = found && found->version.kind == RowVersion::Kind::kRow ? found->version.count : 0;
    if (stored != known) throw Mismatch(fmt::format("a multiset has {} rows {}, not {}", stored, line, known));
  }
  const auto kind = change > 0 ? ChangeLogBuilder::Change::kInsert : ChangeLogBuilder::Change::kDelete;
  ModelChanges& changes = Changes(table, epoch);
  ++(change > 0 ? changes.inserted : changes.deleted);
  changes.keys.insert(key);
  log_.Add(table, epoch, kind, key);
  ModelRow now = row;
  now.count = known + static_cast<uint32_t>(change);
  if (now.count == 0) return PutTombstone(table, key);
  PutRow(table, key, now, {});
}

void StoreWalk::ChangeMultiset(TableId table, const ModelTable& form, const Step& step) {
  const size_t columns = model_.now.shapes.at(form.shape).columns.size();
  const auto row = [&](uint32_t which) {
    return ModelRow{.shape = form.shape,
                    .fields = std::vector<std::string>(columns, fmt::format("m{}", which % kRowsOfAMultiset))};
  };
  const ModelRow one = row(step.b);
  std::string key;
  AppendMultisetKey(model_.LineOf(one, 0), &key);
  const bool there = model_.Newest(table, model_.now.state.CurrentEpoch(table), key) != nullptr;
  const uint32_t how = step.c % 8;
  if (there && how < 4) AddToMultiset(table, one, -1);
  if (!there || how >= 3) AddToMultiset(table, row(step.b / kRowsOfAMultiset), 1);  // how == 3: an UPDATE.
}

void StoreWalk::Truncate(const Step& step) {
  if (!Streamed(step.a)) return;
  EnsureTransaction();
  const std::optional<TableId> table = Streamed(step.a);
  if (!table) return;
  const EpochNumber epoch = model_.now.state.Truncate(*table, Lsn(commit_lsn_));
  model_.now.epochs[*table].push_back({epoch, commit_lsn_});
  Changes(*table, epoch).truncated = true;
  log_.Truncate(*table, epoch);
}

// A transaction whose keys take several chunks of the change log.
void StoreWalk::Bulk(const Step& step) {
  Truncate(step);
  const std::optional<TableId> table = Streamed(step.a);
  if (!table || !in_transaction_) return;
  const ModelTable form = FormInStream(*table);
  if (form.kind != ModelTable::Kind::kTextKey) return;
  const EpochNumber epoch = model_.now.state.CurrentEpoch(*table);
  ModelChanges& changes = Changes(*table, epoch);
  const size_t columns = model_.now.shapes.at(form.shape).columns.size();
  for (uint32_t i = 0; i < 700 + step.b % 700; ++i) {
    std::string key;
    AppendTextKey(fmt::format("{:0500}", i), &key);
    ++changes.inserted;
    changes.keys.insert(key);
    log_.Add(*table, epoch, ChangeLogBuilder::Change::kInsert, key);
    PutRow(*table, key, {.shape = form.shape, .fields = std::vector<std::string>(columns, "b")}, {});
    if (i % 500 == 499) Flush();
  }
}

}  // namespace rotv::testing
