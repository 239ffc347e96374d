// Chooses the rows that a difference shows. The limit is shared out among the tables: one with very many differences
// leaves room for the others.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

struct DiffTableRows {
  std::string table;
  std::vector<DiffRow> rows;  // The first ones.
  uint64_t total = 0;
};

struct DiffRows {
  std::vector<DiffTableRows> tables;  // Those with rows that differ, in the order in which they were compared.

  uint64_t shown() const;
  uint64_t total() const;
};

// MakeDiffRow() cuts values that have more characters, and adds their full length.
inline constexpr size_t kLongestDiffValue = 1000;
DiffRow MakeDiffRow(const TableDiff& table, const history::RowChange& change);

// Returns the beginning of a text with its full length, if it has more than `most` characters.
std::string Shortened(std::string_view text, size_t most);

// Returns how many of its rows each table shows, where tables have `counts` rows and `limit` are shown in all. They get
// one row each in turn, until the limit or their last row is reached.
std::vector<size_t> ShareOut(const std::vector<uint64_t>& counts, size_t limit);

// Takes the rows of a difference, table by table, and never keeps more than a few times the limit.
class DiffRowChoice {
 public:
  explicit DiffRowChoice(size_t limit) : limit_(limit) {}

  void Add(const TableDiff& table, const history::RowChange& change);
  // To be called once, after the last row.
  DiffRows Take();

 private:
  void Trim();

  const size_t limit_;
  size_t kept_ = 0;
  DiffRows rows_;
};

}  // namespace rotv::report
