// Compares two points: of one history, or of two (another source, or from before a new baseline).

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
  std::string name;  // The name of a snapshot, or an LSN or a time as PointAt() takes it.
  Lsn lsn;           // Diff() sets these two.
  int64_t time_us = 0;
};

struct TableDiff {
  enum class Presence { kBoth, kBeforeOnly, kAfterOnly };
  std::string name;  // Quoted if necessary, with its schema; its name in the later state that has it.
  Presence presence = Presence::kBoth;
  std::string renamed_from;  // Empty if it was not renamed.
  std::vector<std::string> columns;
  std::vector<std::string> key_columns;  // Empty: rows are compared by their whole content.
  history::RowCounts rows;

  uint64_t changes() const { return rows.added + rows.removed + rows.changed; }
};

struct SnapshotDiff {
  DiffPoint before;
  DiffPoint after;
  bool one_history = false;
  bool logged = false;            // Only changed rows were read, and there is a timeline.
  std::vector<TableDiff> tables;  // Tables that differ, by number of changes.
  std::vector<schema::SchemaChange> schema;
  std::vector<history::TimelineStep> timeline;  // In order of time, including steps without transactions.
  uint64_t transactions = 0;
};

struct DiffRequest {
  DiffPoint before;
  DiffPoint after;
  std::string table;  // Only this table, as TableDiff names it, or without its schema; empty: all.
  // Called for each row that differs, table by table in order of their names; may be empty.
  std::function<void(const TableDiff& table, const history::RowChange& change)> visit_row = {};
};

// Compares the points; reads only the stores. Within one history the cost is that of the changes in between, except for
// tables that were truncated or resynced, and those with more changes than fit into memory: these are read completely.
// So are all tables of two histories, and all tables if gc has removed what was in between. Throws kUsage if there is
// no such point or table.
SnapshotDiff Diff(const Context& context, const DiffRequest& request);

// Returns the value of a field of a RowChange, unescaped; nothing for NULL.
std::optional<std::string> FieldValue(std::string_view field);

}  // namespace rotv
