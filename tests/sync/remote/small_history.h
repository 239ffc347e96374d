// A published history of one table, as small as it can be.

#pragma once

#include <string>
#include <utility>

#include "sync/remote/head_object.h"
#include "sync/remote/step_path.h"
#include "sync/schema/row_codec.h"
#include "tests/storage/store_fixture.h"

namespace rotv::remote {

inline constexpr uint64_t kBaseline = 0x100, kHead = 0x200;

inline proto::Shape ShapeOfTable() {
  proto::Shape shape;
  shape.set_id(1);
  shape.set_table(1);
  shape.add_columns()->set_name("id");
  shape.add_columns()->set_name("v");
  return shape;
}

inline proto::Table TableWithKey() {
  proto::Table table;
  table.set_id(1);
  table.set_schema("public");
  table.set_name("t");
  table.set_quoted_name("public.t");
  table.set_copy_columns("(id, v)");
  table.set_follow(proto::FOLLOW_KEY);
  table.add_key_columns(0);
  table.add_key_is_integer(true);
  table.set_shape(1);
  return table;
}

inline std::string KeyOf(const std::string& line) {
  std::string key;
  const proto::Table table = TableWithKey();
  const proto::Shape shape = ShapeOfTable();
  schema::RowCodec(table, shape).KeyOfLine(line, &key);
  return key;
}

// A history with a baseline and a row that was changed after it.
inline proto::Segment GoodSegment() {
  proto::Segment segment;
  *segment.add_shapes() = ShapeOfTable();
  proto::SegmentSchema* schema = segment.add_schemas();
  schema->set_lsn(kBaseline);
  schema->mutable_schema()->set_pre_data("SET standard_conforming_strings = on;\n");
  schema->mutable_schema()->set_standard_strings(true);
  *schema->mutable_schema()->add_tables() = TableWithKey();
  proto::Transaction* transaction = segment.add_transactions();
  transaction->set_commit_lsn(0x180);
  proto::SegmentRows* rows = segment.add_rows();
  rows->set_table(1);
  rows->set_epoch(1);
  for (const auto& [lsn, line] : {std::pair<uint64_t, const char*>{0x180, "1\tnew"}, {kBaseline - 1, "1\told"}}) {
    proto::SegmentRow* row = rows->add_rows();
    row->set_key(KeyOf(line));
    row->set_commit_lsn(lsn);
    row->set_shape(1);
    row->set_line(line);
  }
  return segment;
}

inline proto::RemoteHead HeadOfSegment() {
  proto::RemoteHead head;
  head.set_format(kRemoteFormat);
  head.set_number(1);
  proto::Manifest& state = *head.mutable_state();
  state = testing::ManifestAt(kHead);
  state.set_baseline_lsn(kBaseline);
  proto::TableHistory* history = state.add_tables();
  history->set_table(1);
  history->set_last_number(1);
  history->add_epochs()->set_number(1);
  history->mutable_epochs(0)->set_start_lsn(kBaseline - 1);
  *head.mutable_base()->mutable_to() = MarkOf(head);
  head.set_generation(GenerationOf(state));
  return head;
}

}  // namespace rotv::remote
