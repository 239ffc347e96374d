#include "tests/storage/store_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "storage/error.h"
#include "storage/row_key.h"
#include "tests/storage/store_check.h"

namespace rotv::testing {
namespace {

constexpr uint64_t kFirstLsn = 800;
constexpr uint32_t kKeys = 24;  // Few, so that rows have many versions.
constexpr uint32_t kMultisetRows = 10;
constexpr size_t kMostTables = 5;
constexpr size_t kMostColumns = 6;
constexpr uint64_t kLsnStep = 8;  // Commit records begin at multiples of eight.

struct Weighted {
  uint32_t what;
  uint32_t weight;
};
// Out of 10,000.
constexpr Weighted kWeights[] = {
    {Step::kChange, 8500}, {Step::kTruncate, 30}, {Step::kCommit, 1000},  {Step::kSpill, 100},   {Step::kPublish, 130},
    {Step::kEndPull, 50},  {Step::kResync, 12},   {Step::kEndResync, 24}, {Step::kSnapshot, 40}, {Step::kGc, 12},
    {Step::kCompact, 12},  {Step::kBulk, 1},      {Step::kCheck, 73},     {Step::kReopen, 6},    {Step::kCrash, 10},
};

uint64_t Mixed(uint64_t value) {  // SplitMix64.
  value += 0x9E3779B97F4A7C15;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

// The keys of a table with a text key: zero bytes, bytes that are escaped, and texts that begin like others.
std::string TextKeyOf(uint32_t row) {
  constexpr std::string_view kBytes(
      "\0\x01\xFF"
      "a",
      4);
  std::string text;
  for (uint32_t rest = row + 1; rest != 0; rest /= 4) text += kBytes[rest % 4];
  std::string key;
  AppendTextKey(text, &key);
  return key;
}

std::string KeyOf(ModelTable::Kind kind, uint32_t row) {
  if (kind == ModelTable::Kind::kTextKey) return TextKeyOf(row);
  std::string key;
  AppendIntegerKey(std::to_string(static_cast<int64_t>(row) * 1000 - 7000), &key);
  return key;
}

}  // namespace

Step RandomStep(uint64_t seed, uint64_t number) {
  const uint64_t first = Mixed(Mixed(seed) ^ number);
  const uint64_t second = Mixed(first);
  Step step{.a = static_cast<uint32_t>(second),
            .b = static_cast<uint32_t>(second >> 32),
            .c = static_cast<uint32_t>(Mixed(second))};
  uint32_t draw = static_cast<uint32_t>(first >> 32) % 10'000;
  for (const auto& [what, weight] : kWeights) {
    step.what = what;
    if (draw < weight) break;
    draw -= weight;
  }
  return step;
}

StoreWalk::StoreWalk(std::filesystem::path directory, With with) : directory_(std::move(directory)) {
  if (with == With::kStore) store_ = RowStore::Open(directory_, RowStore::Mode::kCreate);
  TakeBaseline();
}

void StoreWalk::Do(const Step& step) {
  published_.erase(published_.begin(), published_.end() - 1);
  before_collection_.reset();
  switch (step.what) {
    case Step::kChange:
      return Change(step);
    case Step::kTruncate:
      return Truncate(step);
    case Step::kCommit:
      return Commit();
    case Step::kSpill:
      if (step.a % 2 == 0) Commit();
      return Flush();
    case Step::kPublish:
      return PublishProgress(step);
    case Step::kEndPull:
      return EndPull();
    case Step::kResync:
      return BeginResync(step);
    case Step::kEndResync:
      return EndResync();
    case Step::kSnapshot:
      return ChangeSnapshots(step);
    case Step::kGc:
      return CollectGarbage(step);
    case Step::kCompact:
      if (store_ != nullptr) store_->Compact();
      return;
    case Step::kBulk:
      return Bulk(step);
    case Step::kCheck:
      if (store_ != nullptr) StoreCheck(*store_, model_).Some(step.a);
      return;
    default:
      return Crash(step);
  }
}

// --- The baseline, and what describes it

void StoreWalk::TakeBaseline() {
  const uint64_t lsn = kFirstLsn;
  ModelState& now = model_.now;
  now.state = StoreState::AtBaseline({}, Lsn(lsn), {.time_us = 1, .xid = 1}, {});
  now.baseline = now.durable = now.head = lsn;
  ModelSchema schema;
  for (TableId table = 1; table <= 3; ++table) schema.tables[table] = NewTable(table, table - 1);
  last_table_ = 3;
  RowStore::Addition shapes;
  for (const auto& [id, shape] : now.shapes) shapes.shapes.push_back(StoredShape(id, shape));
  if (store_ != nullptr) store_->Publish(StoreState(), shapes);
  for (const auto& [table, form] : schema.tables) {
    const EpochNumber epoch = now.state.ReserveEpoch(table);
    FillEpoch(table, form, epoch, lsn - 1, table);
    now.state.AddEpoch(table, epoch, Lsn(lsn - 1));
    now.epochs[table].push_back({epoch, lsn - 1});
  }
  now.schemas[lsn] = schema;
  RowStore::Addition addition;
  AddDescriptions(lsn, true, &addition);
  next_lsn_ = lsn;
  Publish(addition);
}

ModelTable StoreWalk::NewTable(TableId table, uint32_t kind) {
  ModelTable form{.kind = static_cast<ModelTable::Kind>(kind % 3)};
  AddShape(table, &form, table);
  return form;
}

// Makes the next shape of a table: its columns with one more, or without one of them.
void StoreWalk::AddShape(TableId table, ModelTable* form, uint32_t seed) {
  auto& shapes = model_.now.shapes;
  ModelShape shape{.table = table, .columns = {{.number = 1}, {.number = 2}, {.number = 3}}};
  if (form->shape != 0) {
    shape = shapes.at(form->shape);
    uint32_t greatest = 0;
    for (const auto& [id, other] : shapes) {
      if (other.table != table) continue;
      for (const ModelColumn& column : other.columns) greatest = std::max(greatest, column.number);
    }
    if (shape.columns.size() > 2 && (seed % 2 == 0 || shape.columns.size() >= kMostColumns)) {
      shape.columns.erase(shape.columns.begin() + 1 + seed / 2 % (shape.columns.size() - 1));
    } else {
      ModelColumn column{.number = greatest + 1};
      if (seed % 3 == 0) column.missing = fmt::format("old{}", greatest);
      shape.columns.push_back(column);
    }
  }
  form->shape = shapes.empty() ? 1 : shapes.rbegin()->first + 1;
  shapes[form->shape] = shape;
}

proto::Shape StoreWalk::StoredShape(uint32_t id, const ModelShape& shape) {
  proto::Shape stored;
  stored.set_id(id);
  stored.set_table(shape.table);
  for (const ModelColumn& column : shape.columns) {
    proto::Column* added = stored.add_columns();
    added->set_number(column.number);
    added->set_name(fmt::format("c{}", column.number));
    if (column.missing) added->set_missing(*column.missing);
  }
  return stored;
}

proto::SchemaVersion StoreWalk::StoredSchema(uint64_t lsn, const ModelSchema& schema) const {
  proto::SchemaVersion stored;
  stored.set_pre_data(SchemaText(lsn));
  for (const auto& [table, form] : schema.tables) {
    proto::Table* added = stored.add_tables();
    added->set_id(table);
    added->set_shape(form.shape);
  }
  return stored;
}

void StoreWalk::AddDescriptions(uint64_t lsn, bool with_schema, RowStore::Addition* addition) {
  const auto value = static_cast<int64_t>(++written_);
  proto::SequenceValues sequences;
  sequences.add_values()->set_last_value(value);
  addition->sequences = {Lsn(lsn), sequences};
  model_.now.sequences[lsn] = value;
  if (with_schema) addition->schema = {Lsn(lsn), StoredSchema(lsn, model_.now.schemas.at(lsn))};
}

// Writes a copy of a table, as a resync does: into an epoch that nothing names yet.
void StoreWalk::FillEpoch(TableId table, const ModelTable& form, EpochNumber epoch, uint64_t lsn, uint32_t seed) {
  const bool multiset = form.kind == ModelTable::Kind::kMultiset;
  auto buffer = std::make_unique<VersionBuffer>(multiset ? VersionBuffer::Index::kNewest : VersionBuffer::Index::kNone);
  for (uint32_t row = 0; row < kKeys; ++row) {
    const uint64_t draw = Mixed(uint64_t{seed} << 32 | row);
    if (draw % 3 == 0) continue;
    if (draw % 11 == 0 && store_ != nullptr) {  // The copy is written in several runs.
      store_->Write(*buffer);
      buffer = std::make_unique<VersionBuffer>(multiset ? VersionBuffer::Index::kNewest : VersionBuffer::Index::kNone);
    }
    ModelRow model_row{.shape = form.shape, .count = multiset ? static_cast<uint32_t>(draw >> 32) % 3 + 1 : 1};
    const size_t columns = model_.now.shapes.at(form.shape).columns.size();
    for (size_t i = 0; i < columns; ++i) {
      model_row.fields.push_back(multiset ? fmt::format("m{}", row % kMultisetRows)
                                          : Field(static_cast<uint32_t>(draw >> i)));
    }
    std::string key;
    const std::string line = model_.LineOf(model_row, 0);
    if (multiset) {
      if (row >= kMultisetRows) break;
      AppendMultisetKey(line, &key);
    } else {
      key = KeyOf(form.kind, row);
    }
    buffer->Put({table, epoch, key, Lsn(lsn)},
                {.kind = RowVersion::Kind::kRow, .shape = form.shape, .count = model_row.count, .text = line});
    model_.Put(table, epoch, key, {lsn, model_row});
  }
  if (store_ != nullptr) store_->Write(*buffer);
}

void StoreWalk::Publish(const RowStore::Addition& addition) {
  if (store_ != nullptr) store_->Publish(model_.now.state, addition);
  published_.push_back(model_.now);
}

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
  const TableId table = std::next(tables.begin(), which % tables.size())->first;
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
  const std::string key = KeyOf(form.kind, step.b % kKeys);
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
      if ((step.b / kKeys >> i) % 2 == 0) continue;
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
  const std::string new_key = KeyOf(form.kind, step.b / kKeys % kKeys);
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
                    .fields = std::vector<std::string>(columns, fmt::format("m{}", which % kMultisetRows))};
  };
  const ModelRow one = row(step.b);
  std::string key;
  AppendMultisetKey(model_.LineOf(one, 0), &key);
  const bool there = model_.Newest(table, model_.now.state.CurrentEpoch(table), key) != nullptr;
  const uint32_t how = step.c % 8;
  if (there && how < 4) AddToMultiset(table, one, -1);
  if (!there || how >= 3) AddToMultiset(table, row(step.b / kMultisetRows), 1);  // how == 3: an UPDATE.
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

// --- Resyncs

void StoreWalk::BeginResync(const Step& step) {
  if (resync_) return;
  Commit();
  ModelState& now = model_.now;
  if (!now.pulling) {
    now.state.BeginPull();
    now.pulling = true;
    Publish({});
  }
  Resync resync{.lsn = next_lsn_ + kLsnStep * (1 + step.a % 6), .schema = now.schemas.rbegin()->second};
  std::set<TableId> tables;
  RowStore::Addition addition;
  const uint32_t first_new_shape = now.shapes.rbegin()->first + 1;
  for (auto table = resync.schema.tables.begin(); table != resync.schema.tables.end();) {
    const uint64_t draw = Mixed(uint64_t{step.b} << 32 | table->first);
    if (draw % 16 == 0 && resync.schema.tables.size() > 2) {  // DROP TABLE
      table = resync.schema.tables.erase(table);
      resync.changed = true;
      continue;
    }
    const bool reshaped = draw % 16 < 4;  // ALTER TABLE
    if (reshaped) AddShape(table->first, &table->second, static_cast<uint32_t>(draw >> 32));
    const bool copied = now.must_copy.count(table->first) != 0 || draw / 16 % 4 == 0 ||
                        (reshaped && table->second.kind == ModelTable::Kind::kMultiset);
    if (copied) tables.insert(table->first);
    resync.changed |= reshaped || copied;
    ++table;
  }
  if (step.b % 4 == 0 && resync.schema.tables.size() < kMostTables) {  // CREATE TABLE
    const TableId table = ++last_table_;
    resync.schema.tables[table] = NewTable(table, step.b / 4);
    tables.insert(table);
    resync.changed = true;
  }
  for (const auto& [id, shape] : now.shapes) {
    if (id >= first_new_shape) addition.shapes.push_back(StoredShape(id, shape));
  }
  if (!addition.shapes.empty()) Publish(addition);

  const StoreState::EpochCounts before = now.state.CountEpochs();
  std::vector<std::pair<TableId, ModelEpoch>> copies;
  for (TableId table : tables) {
    EpochNumber epoch = now.state.ReserveEpoch(table);
    if (step.c % 5 == 0) {  // The first attempt gives up its table, which is tried again.
      FillEpoch(table, resync.schema.tables.at(table), epoch, resync.lsn - 1, step.c);
      if (store_ != nullptr) store_->DropEpoch(table, epoch);
      model_.DropEpoch(table, epoch);
      epoch = now.state.ReserveEpoch(table);
    }
    FillEpoch(table, resync.schema.tables.at(table), epoch, resync.lsn - 1, step.c + table);
    now.state.AddEpoch(table, epoch, Lsn(resync.lsn - 1));
    copies.push_back({table, {epoch, resync.lsn - 1}});
  }
  if (step.c % 7 == 0) {  // A migration came in between.
    for (const proto::DroppedEpoch& epoch : now.state.TakeBackEpochs(before)) {
      if (store_ != nullptr) store_->DropEpoch(epoch.table(), epoch.epoch());
      model_.DropEpoch(epoch.table(), epoch.epoch());
    }
    return;
  }
  for (const auto& [table, epoch] : copies) now.epochs[table].push_back(epoch);
  now.state.MarkOnlyForResync(tables);
  now.must_copy = tables;
  resync_ = std::move(resync);
}

void StoreWalk::EndResync() {
  Commit();
  if (!resync_) return;
  Flush();
  ModelState& now = model_.now;
  const uint64_t lsn = resync_->lsn;
  now.schemas[lsn] = resync_->schema;
  now.state.EndPullWithResync(Lsn(lsn), {.time_us = static_cast<int64_t>(lsn) * 10}, {},
                              resync_->changed ? StoreState::History::kBroken : StoreState::History::kUnbroken);
  if (resync_->changed) now.gaps.emplace_back(now.head, lsn);
  now.durable = now.head = next_lsn_ = lsn;
  now.pulling = false;
  now.must_copy.clear();
  resync_.reset();
  RowStore::Addition addition;
  AddDescriptions(lsn, true, &addition);
  Publish(addition);
}

// --- Between pulls

void StoreWalk::ChangeSnapshots(const Step& step) {
  Settle(step);
  ModelState& now = model_.now;
  if (now.pulling) return;
  const std::string name = fmt::format("s{}", step.a % 6);
  if (now.snapshots.erase(name) != 0) {
    if (!now.state.RemoveSnapshot(name)) throw Mismatch("a snapshot is unknown");
  } else {
    const std::vector<uint64_t> lsns = model_.RetainedLsns();
    const uint64_t lsn = step.b % 3 == 0 ? now.head : lsns[step.b % lsns.size()];
    if (lsn > now.head) return;
    proto::Snapshot snapshot;
    snapshot.set_name(name);
    snapshot.set_lsn(lsn);
    now.state.AddSnapshot(snapshot);
    now.snapshots[name] = lsn;
  }
  Publish({});
}

void StoreWalk::CollectGarbage(const Step& step) {
  if (step.c % 4 != 0) Settle(step);
  ModelState& now = model_.now;
  if (now.pulling) return;
  // What sync/gc.cc keeps.
  const uint64_t first = std::max(now.baseline, now.kept_from);
  uint64_t keep_from = step.a % 3 == 0 ? now.head : first + step.b % (now.head - first + 1);
  for (const auto& [after, before] : now.gaps) {
    if (keep_from > after && keep_from < before) keep_from = before;
  }
  uint64_t log_from = keep_from;
  std::vector<Lsn> points = {Lsn(now.baseline), Lsn(now.head)};
  for (const auto& [name, lsn] : now.snapshots) {
    log_from = std::min(log_from, lsn);
    points.emplace_back(lsn);
  }
  log_from = std::max(log_from, now.log_from);
  const Retention retention(points, Lsn(keep_from));

  if (store_ == nullptr) before_collection_ = model_;
  now.kept_from = keep_from;
  now.log_from = log_from;
  std::erase_if(now.gaps, [&](const auto& gap) { return gap.second <= keep_from; });
  std::set<TableId> tables;
  model_.Prune();
  for (const auto& [lsn, schema] : now.schemas) {
    for (const auto& [table, form] : schema.tables) tables.insert(table);
  }
  for (auto epochs = now.epochs.begin(); epochs != now.epochs.end();) {
    if (tables.count(epochs->first) != 0) {
      ++epochs;
      continue;
    }
    for (const ModelEpoch& epoch : epochs->second) model_.DropEpoch(epochs->first, epoch.number);
    epochs = now.epochs.erase(epochs);
  }
  now.state.BeginCollection(retention, tables, Lsn(log_from), 1);
  published_.push_back(now);
  if (store_ != nullptr) {
    struct Stopped {};
    uint32_t looks = step.c / 4 % 8;  // Now and then it is interrupted.
    const auto look = [&](uint64_t) {
      if (step.b % 4 == 0 && looks-- == 0) throw Stopped();
    };
    try {
      store_->CollectGarbage(retention, Lsn(log_from), 1, look);
    } catch (const Stopped&) {
    }
    // A second pass finds nothing, and ends what was interrupted.
    (void)store_->CollectGarbage(retention, Lsn(log_from), 1, [](uint64_t) {});
    const GarbageCounts again = store_->CollectGarbage(retention, Lsn(log_from), 1, [](uint64_t) {});
    if (again.dropped != 0 || again.epochs != 0) throw Mismatch("gc has left versions that nothing needs");
  }
  now.state.EndCollection(0);
  // The passes after the first one begin a collection again, and end it.
  published_.push_back(now);
  published_.back().state.BeginCollection(retention, tables, Lsn(log_from), 1);
  published_.push_back(now);
}

// --- Crashes

void StoreWalk::Forget() {
  model_.RevertTo(published_.back());
  model_.now.state.AbandonPull();
  model_.now.pulling = false;
  published_.push_back(model_.now);
  resync_.reset();
  buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  log_ = ChangeLogBuilder();
  in_transaction_ = spilled_ = false;
  // The source sends again what was not acknowledged: other transactions may get the LSNs of those that were lost.
  next_lsn_ = model_.now.durable;
}

void StoreWalk::Crash(const Step& step) {
  if (step.what == Step::kReopen) Settle(step);
  if (step.c % 4 == 1) Commit();
  if (step.c % 4 < 3) Flush();  // Mostly something was written that nothing has published.
  if (store_ == nullptr) return Forget();
  if (step.what == Step::kCrash && step.a % 2 == 0 && may_copy_) {
    // A copy of all files at one moment, when nothing writes, is what a kill at that moment leaves.
    const std::filesystem::path other = directory_.string() + (step.a % 4 == 0 ? "x" : "y");
    std::filesystem::copy(directory_, other, std::filesystem::copy_options::recursive);
    store_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(other, directory_);
  }
  store_.reset();
  Forget();
  if (step.b % 4 == 0) {  // Reading alone changes nothing, and does not see what was not published either.
    store_ = RowStore::Open(directory_, RowStore::Mode::kReadOnly);
    StoreCheck(*store_, model_).Some(step.c);
    store_.reset();
  }
  Open();
  StoreCheck(*store_, model_).Some(step.c + 1);
}

void StoreWalk::Open() {
  store_ = RowStore::Open(directory_, RowStore::Mode::kReadWrite);
  CompareManifest();
  StoreCheck(*store_, model_).NothingUnpublished();
}

void StoreWalk::OpenToBeKilled() {
  may_copy_ = false;  // Half a copy would be no store.
  Open();
}

void StoreWalk::CompareManifest() const {
  const std::string expected = ContentOf(model_.now.state.manifest());
  if (ContentOf(store_->manifest()) != expected) throw Mismatch("the store has another manifest than was published");
}

size_t StoreWalk::RevertToStore() {
  const std::string found = ContentOf(RowStore::Open(directory_, RowStore::Mode::kReadOnly)->manifest());
  size_t back = 0;
  while (ContentOf(published_[published_.size() - 1 - back].state.manifest()) != found) {
    if (++back == published_.size()) throw Mismatch("the store has none of the states that were published last");
  }
  RevertBy(back);
  return back;
}

void StoreWalk::RevertBy(size_t back) {
  if (back + 1 == published_.size() && before_collection_) model_ = std::move(*before_collection_);
  published_.resize(published_.size() - back);
  Forget();
}

void StoreWalk::CheckStore() const {
  const std::unique_ptr<RowStore> store = RowStore::Open(directory_, RowStore::Mode::kReadOnly);
  StoreCheck(*store, model_).All();
}

void StoreWalk::CheckAll() { StoreCheck(*store_, model_).All(); }

}  // namespace rotv::testing
