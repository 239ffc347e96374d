// An Applier on a store of its own, and short words for the messages that it gets.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/epochs.h"
#include "sync/capture/applier.h"
#include "sync/capture/store_writer.h"
#include "sync/formats/pgoutput.h"
#include "sync/schema/follow.h"
#include "tests/sync/store_source.h"

namespace rotv {

class ApplierTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kKeyed = 1, kMultiset = 2, kSchemaOnly = 3, kFull = 4;
  static constexpr uint32_t kUnknown = 99;
  static constexpr uint64_t kFrom = 100;
  using OldKind = formats::pgoutput::OldKind;
  using Values = std::vector<std::string>;
  using Strings = std::vector<std::string>;

  ApplierTest() {
    testing::AddTable(&described_, kKeyed, "keyed", {{"id", testing::kInt4Oid}, {"name"}, {"picture"}}, {0});
    testing::AddTable(&described_, kMultiset, "bag", {{"a"}, {"b"}}, {});
    testing::AddTable(&described_, kSchemaOnly, "none", {{"a"}}, {0})->set_follow(proto::FOLLOW_SCHEMA_ONLY);
    testing::AddTable(&described_, kFull, "fullkeyed", {{"id", testing::kInt4Oid}, {"name"}, {"picture"}}, {0});
    proto::Manifest manifest = testing::ManifestAt(kFrom);
    testing::AddHistories(described_.schema, &manifest);
    state_ = StoreState::FromStored(manifest);
    state_.BeginPull();
    store_->Publish(state_, {.schema = {}, .sequences = {}, .shapes = described_.new_shapes});
    Start();
  }

  void Start() {
    relations_came_ = false;
    writer_.reset();
    writer_ = std::make_unique<capture::StoreWriter>(*store_);
    std::vector<capture::StreamedTable> tables;
    for (const proto::Table& table : described_.schema.tables()) {
      if (schema::IsStreamed(table)) tables.push_back({table.id(), {{&table, &store_->shapes().Get(table.shape())}}});
    }
    if (later_) tables.front().forms.push_back({&*later_, &store_->shapes().Get(later_->shape())});
    applier_ = std::make_unique<capture::Applier>(tables, state_, *writer_, state_.durable_lsn(), mask::MaskSecret());
  }

  void BeginOnly(uint64_t lsn) { applier_->Apply(formats::pgoutput::Begin{Lsn(lsn), static_cast<int64_t>(lsn), 1}); }
  void Begin(uint64_t lsn) {
    BeginOnly(lsn);
    if (!std::exchange(relations_came_, true)) Describe();
  }
  // The server describes each table in the same way before a stream's first change of it.
  void Describe() {
    for (const proto::Table& table : described_.schema.tables()) {
      formats::pgoutput::Relation relation;
      relation.oid = table.id();
      relation.replica_identity = table.key_columns().empty() ? 'f' : 'd';
      const proto::Shape& shape = store_->shapes().Get(table.shape());
      for (const proto::Column& column : shape.columns()) {
        const bool is_identity = !table.key_columns().empty() && relation.columns.empty();
        relation.columns.push_back({is_identity, column.name(), column.type_oid(), -1});
      }
      applier_->Apply(relation);
    }
    applier_->Apply(formats::pgoutput::Relation{.oid = kUnknown, .schema = {}, .name = {}, .columns = {}});
  }
  void Commit(uint64_t lsn) {
    applier_->Apply(formats::pgoutput::Commit{Lsn(lsn), Lsn(lsn + 1), static_cast<int64_t>(lsn)});
  }
  void Insert(uint32_t table, const Values& row) {
    applier_->Apply(formats::pgoutput::Insert{table, testing::TupleOf(row)});
  }
  void Update(uint32_t table, const Values& row) {
    applier_->Apply(formats::pgoutput::Update{table, std::nullopt, testing::TupleOf(row)});
  }
  void Update(uint32_t table, OldKind kind, const Values& old, const Values& row) {
    applier_->Apply(formats::pgoutput::Update{table, formats::pgoutput::OldRow{kind, testing::TupleOf(old)},
                                              testing::TupleOf(row)});
  }
  void Delete(uint32_t table, OldKind kind, const Values& old) {
    applier_->Apply(formats::pgoutput::Delete{table, {kind, testing::TupleOf(old)}});
  }
  void Delete(int id) { Delete(kKeyed, OldKind::kKey, {std::to_string(id), testing::kNullValue, testing::kNullValue}); }
  void Truncate(const std::vector<uint32_t>& tables) {
    applier_->Apply(formats::pgoutput::Truncate{false, false, tables});
  }

  // The stream does the same when the buffer is full: versions leave it, whether a transaction is open or not.
  void Spill() { Submit({.versions = applier_->TakeVersions(), .log = applier_->TakeLog(), .publication = {}}); }
  void SpillToDisk() {
    Spill();
    writer_->Drain();
  }
  void Publish() {
    ASSERT_FALSE(applier_->in_transaction());
    state_.Advance(applier_->complete_until());
    Submit({.versions = applier_->TakeVersions(),
            .log = applier_->TakeLog(),
            .publication = capture::StoreWriter::Job::Publication{state_, {}}});
  }
  void Submit(capture::StoreWriter::Job job) {
    while (!writer_->TrySubmit(&job)) writer_->WaitForRoom(1000);
  }

  // The rows of a table at `lsn`, once everything is written.
  Strings Rows(uint32_t table = kKeyed, uint64_t lsn = UINT64_MAX) {
    Publish();
    writer_->Drain();
    return testing::Lines(*store_, lsn, {}, table, EpochsAt(store_->manifest(), Lsn(lsn)).at(table));
  }

  // A description of the table kKeyed with these columns.
  static formats::pgoutput::Relation KeyedRelation(const std::vector<std::string>& names) {
    formats::pgoutput::Relation relation;
    relation.oid = kKeyed;
    for (const std::string& name : names) {
      relation.columns.push_back({name == "id", name, name == "id" ? testing::kInt4Oid : testing::kTextOid, -1});
    }
    return relation;
  }

  testing::StoreFixture store_;
  schema::DescribedSchema described_;
  std::optional<proto::Table> later_;  // The later shape of the table kKeyed.
  StoreState state_;
  std::unique_ptr<capture::StoreWriter> writer_;
  std::unique_ptr<capture::Applier> applier_;
  bool relations_came_ = false;
};

}  // namespace rotv
