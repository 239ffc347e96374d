// Formats the difference between two points as text and as JSON.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/output/output.h"
#include "sync/snapshot_diff.h"

namespace rotv::report {

// A row that differs, with its values as text; NULL is nullopt.
struct DiffRow {
  std::string table;
  history::RowChange::Kind kind = history::RowChange::Kind::kChanged;
  std::vector<std::string> columns;
  std::vector<std::string> key_columns;
  std::vector<std::optional<std::string>> before;  // Empty for an added row.
  std::vector<std::optional<std::string>> after;   // Empty for a removed row.
};

struct DiffRows {
  std::vector<DiffRow> rows;  // The first ones.
  uint64_t total = 0;
};

// MakeDiffRow() cuts values that have more characters, and adds their full length.
inline constexpr size_t kLongestDiffValue = 1000;
DiffRow MakeDiffRow(const TableDiff& table, const history::RowChange& change);

// `rows` is null if no rows were asked for.
std::string DiffText(const SnapshotDiff& diff, const DiffRows* rows);
output::Json SchemaChangesJson(const std::vector<schema::SchemaChange>& changes);
output::Json DiffJson(const SnapshotDiff& diff, const DiffRows* rows);

}  // namespace rotv::report
