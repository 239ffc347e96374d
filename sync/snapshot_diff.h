// What differs between two points: of one history, or of two (another source, or from before a new baseline).

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/history/row_diff.h"
#include "sync/history/timeline_step.h"
#include "sync/schema/schema_diff.h"

namespace rotv {

struct DiffPoint {
  std::string source;
  std::string name;  // A snapshot's, or an LSN or a time as PointAt() takes it.
  Lsn lsn;           // These two are filled in.
  int64_t time_us = 0;
};

struct TableDiff {
  enum class Presence { kBoth, kBeforeOnly, kAfterOnly };
  std::string name;  // Quoted where it has to be, with its schema; as it is called in the later state that has it.
  Presence presence = Presence::kBoth;
  std::string renamed_from;  // Empty if it was not.
  std::vector<std::string> columns;
  std::vector<std::string> key_columns;  // Empty: rows are compared by all that they are.
  history::RowCounts rows;

  uint64_t changes() const { return rows.added + rows.removed + rows.changed; }
};

struct SnapshotDiff {
  DiffPoint before;
  DiffPoint after;
  bool one_history = false;
  bool logged = false;            // Only what has changed was looked at, and there is a timeline.
  std::vector<TableDiff> tables;  // Those that differ, by amount of change.
  std::vector<schema::SchemaChange> schema;
  std::vector<history::TimelineStep> timeline;  // In order of time; those without transactions too.
  uint64_t transactions = 0;
};

struct DiffRequest {
  DiffPoint before;
  DiffPoint after;
  std::string table;  // Only this one, as TableDiff names it, or without its schema; empty: all.
  // Called for each row that differs, table by table in order of their names; may be empty.
  std::function<void(const TableDiff& table, const history::RowChange& change)> visit_row = {};
};

// Reads the stores only. Within one history it costs what has changed in between, but for tables that were truncated or
// copied again, and those with more changes than memory takes: they are read whole, as are all of two histories, and
// all where gc has forgotten what was in between.
// Throws kUsage if there is no such point or table.
SnapshotDiff Diff(const Context& context, const DiffRequest& request);

// The value of a field of a RowChange, unescaped; nothing for NULL.
std::optional<std::string> FieldValue(std::string_view field);

}  // namespace rotv
