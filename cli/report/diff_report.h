// A difference between two points, for people and for programs.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/output/output.h"
#include "sync/snapshot_diff.h"

namespace rotv::report {

// A row that differs, with its values as text; a NULL is no value.
struct DiffRow {
  std::string table;
  history::RowChange::Kind kind = history::RowChange::Kind::kChanged;
  std::vector<std::string> columns;
  std::vector<std::string> key_columns;
  std::vector<std::optional<std::string>> before;  // Empty if there was none.
  std::vector<std::optional<std::string>> after;
};

struct DiffRows {
  std::vector<DiffRow> rows;  // The first of them.
  uint64_t total = 0;
};

// With values of at most this many characters; of longer ones the beginning, with what is missing.
inline constexpr size_t kLongestDiffValue = 1000;
DiffRow MakeDiffRow(const TableDiff& table, const history::RowChange& change);

// `rows` is null where none were asked for.
std::string DiffText(const SnapshotDiff& diff, const DiffRows* rows);
output::Json SchemaChangesJson(const std::vector<schema::SchemaChange>& changes);
output::Json DiffJson(const SnapshotDiff& diff, const DiffRows* rows);

}  // namespace rotv::report
