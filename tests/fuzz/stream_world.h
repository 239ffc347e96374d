// Drives what follows the decoder of a stream of changes with any bytes: applier and row codec, on a real store. The
// fuzzer and a random test share it.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/temporary_directory.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/applier.h"
#include "sync/capture/store_writer.h"
#include "sync/formats/pgoutput.h"
#include "sync/formats/row_check.h"
#include "tests/fuzz/fuzz_check.h"

namespace rotv {

class StreamWorld {
 public:
  // Follows the relations that the valid messages among these describe, under their own numbers.
  explicit StreamWorld(const std::vector<std::string>& messages) {
    store_ = RowStore::Open(directory_.path() / "store", RowStore::Mode::kCreate);
    for (const std::string& message : messages) {
      const formats::pgoutput::Message decoded = formats::pgoutput::Decode(message);
      if (const auto* relation = std::get_if<formats::pgoutput::Relation>(&decoded)) Follow(*relation);
    }
    manifest_.set_format_version(kFormatVersion);
    manifest_.mutable_source()->set_encoding("UTF8");
    manifest_.set_durable_lsn(1);
    manifest_.set_head_lsn(1);
    RowStore::Addition addition;
    for (const auto& [id, shape] : shapes_) addition.shapes.push_back(shape);
    store_->Publish(StoreState::FromStored(manifest_), addition);
  }

  struct Outcome {
    bool refused = false;
    uint64_t rows = 0;
  };
  // Runs a stream from its start. It may be refused with one of the two codes for that; transactions before the refusal
  // are whole.
  Outcome Run(const std::vector<std::string>& messages) {
    StoreState state = StoreState::FromStored(manifest_);
    capture::StoreWriter writer(*store_);
    capture::Applier applier(streamed_, state, writer, Lsn(1), mask::MaskSecret());
    Outcome outcome;
    try {
      for (const std::string& message : messages) {
        const formats::pgoutput::Message decoded = formats::pgoutput::Decode(message);
        applier.Apply(decoded);
        CheckKeys(decoded);
      }
    } catch (const Error& error) {
      FuzzCheck(error.code() == ErrorCode::kProtocol || error.code() == ErrorCode::kCorrupt);
      outcome.refused = true;
    }
    const std::shared_ptr<const VersionBuffer> versions = applier.TakeVersions();
    applier.TakeLog();
    for (const VersionBuffer::Entry& entry : versions->Sorted()) outcome.rows += CheckVersion(entry);
    return outcome;
  }

 private:
  struct Known {
    proto::Table table;
    formats::RowCheck check;
  };

  void Follow(const formats::pgoutput::Relation& relation) {
    if (known_.count(relation.oid) != 0) return;
    proto::Shape& shape = shapes_[relation.oid];
    shape.set_id(static_cast<uint32_t>(shapes_.size()));
    shape.set_table(relation.oid);
    proto::Table table;
    table.set_id(relation.oid);
    table.set_quoted_name("t");
    table.set_shape(shape.id());
    table.set_follow(relation.replica_identity == 'f' ? proto::FOLLOW_BAG : proto::FOLLOW_KEY);
    for (const formats::pgoutput::RelationColumn& column : relation.columns) {
      if (column.is_identity && relation.replica_identity != 'f') {
        table.add_key_columns(static_cast<uint32_t>(shape.columns_size()));
        table.add_key_is_integer(column.type_oid == 23);
      }
      proto::Column* described = shape.add_columns();
      described->set_name(std::string(column.name));
      described->set_type_oid(column.type_oid);
      described->set_number(static_cast<uint32_t>(shape.columns_size()));
    }
    const formats::RowCheck check(
        {.table = "t", .columns = relation.columns.size(), .encoding = formats::TextEncoding::kUtf8});
    const Known& known = known_.emplace(relation.oid, Known{table, check}).first->second;
    streamed_.push_back({.id = relation.oid, .forms = {{.table = &known.table, .shape = &shape}}});
    BeginEpoch(HistoryOf(manifest_, relation.oid), Lsn());
  }

  // A row has one key, whether the key is read from the message or from the line made from it.
  void CheckKeys(const formats::pgoutput::Message& message) {
    const auto* insert = std::get_if<formats::pgoutput::Insert>(&message);
    if (insert == nullptr) return;
    auto found = known_.find(insert->relation_oid);
    if (found == known_.end() || found->second.table.follow() != proto::FOLLOW_KEY) return;
    const proto::Shape& shape = shapes_.at(insert->relation_oid);
    if (insert->row.size() != static_cast<size_t>(shape.columns_size()))
      return;  // A table of another shape, which was
               // dropped.
    schema::RowCodec codec(found->second.table, shape);
    std::string line, of_tuple, of_line;
    if (!codec.LineOfTuple(insert->row, nullptr, &line)) return;
    try {
      codec.KeyOfTuple(insert->row, nullptr, &of_tuple);
    } catch (const Error&) {
      return;
    }
    codec.KeyOfLine(line, &of_line);
    FuzzCheck(of_tuple == of_line);
  }

  // 1 for a whole row, which psql and the server can read.
  uint64_t CheckVersion(const VersionBuffer::Entry& entry) const {
    const VersionKey key = DecodeVersionKey(entry.key());
    const RowVersion version = DecodeRowVersion(entry.value());
    if (version.kind != RowVersion::Kind::kRow) return 0;
    known_.at(key.table).check.Line(version.text);
    return 1;
  }

  os::TemporaryDirectory directory_;  // Before the store in it.
  std::unique_ptr<RowStore> store_;
  std::map<uint32_t, proto::Shape> shapes_;
  std::map<uint32_t, Known> known_;
  std::vector<capture::StreamedTable> streamed_;
  proto::Manifest manifest_;
};

}  // namespace rotv
