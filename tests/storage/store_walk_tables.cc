#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "storage/run_sorter.h"
#include "tests/storage/store_check.h"
#include "tests/storage/store_walk.h"
#include "tests/storage/store_walk_values.h"

namespace rotv::testing {
namespace {

constexpr uint64_t kFirstLsn = 800;
constexpr size_t kMostTables = 5;
constexpr size_t kMostColumns = 6;

}  // namespace

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
  const auto new_buffer = [multiset] {
    return std::make_unique<VersionBuffer>(multiset ? VersionBuffer::Index::kNewest : VersionBuffer::Index::kNone);
  };
  std::unique_ptr<VersionBuffer> buffer = new_buffer();
  std::optional<RunSorter> sorter;
  if (store_ != nullptr) sorter.emplace(*store_);
  const auto write = [&] {
    if (store_ == nullptr) return;
    multiset ? store_->Write(*buffer) : sorter->Add(std::move(buffer));
    buffer = new_buffer();
  };
  for (uint32_t place = 0; place < kKeysOfATable; ++place) {
    // Some tables have their rows in the order of their keys, some have not.
    const uint32_t row = multiset || seed % 2 == 0 ? place : kKeysOfATable - 1 - (place ^ 1) % kKeysOfATable;
    const uint64_t draw = Mixed(uint64_t{seed} << 32 | row);
    if (draw % 3 == 0) continue;
    if (draw % 11 == 0) write();  // The copy is written in several runs.
    ModelRow model_row{.shape = form.shape, .count = multiset ? static_cast<uint32_t>(draw >> 32) % 3 + 1 : 1};
    const size_t columns = model_.now.shapes.at(form.shape).columns.size();
    for (size_t i = 0; i < columns; ++i) {
      model_row.fields.push_back(multiset ? fmt::format("m{}", row % kRowsOfAMultiset)
                                          : Field(static_cast<uint32_t>(draw >> i)));
    }
    std::string key;
    const std::string line = model_.LineOf(model_row, 0);
    if (multiset) {
      if (row >= kRowsOfAMultiset) break;
      AppendMultisetKey(line, &key);
    } else {
      key = KeyOf(form.kind, row);
    }
    buffer->Put({table, epoch, key, Lsn(lsn)},
                {.kind = RowVersion::Kind::kRow, .shape = form.shape, .count = model_row.count, .text = line});
    model_.Put(table, epoch, key, {lsn, model_row});
  }
  write();
  if (sorter) sorter->Finish([] {});
}

// --- Resyncs

void StoreWalk::BeginResync(const Step& step) {
  if (resync_) return;
  PublishProgress({});  // Whatever was streamed before: a state without it may not be published, with its epochs.
  ModelState& now = model_.now;
  if (!now.pulling) {
    now.state.BeginPull();
    now.pulling = true;
    Publish({});
  }
  // A slot's consistent point is after those of all slots before it, whatever came of them.
  slot_lsn_ = std::max(next_lsn_, slot_lsn_) + kLsnStep * (1 + step.a % 6);
  Resync resync{.lsn = slot_lsn_, .schema = now.schemas.rbegin()->second};
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

}  // namespace rotv::testing
