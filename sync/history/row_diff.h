// Which rows of one table differ between two states of it.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "storage/row_store.h"

namespace rotv::history {

// One state of a table.
struct TableState {
  const RowStore* store = nullptr;
  const proto::Table* table = nullptr;
  EpochNumber epoch = 0;
  Lsn lsn;
};

struct RowChange {
  enum class Kind { kAdded, kRemoved, kChanged };
  Kind kind = Kind::kChanged;
  // Fields of COPY text, still escaped, as `columns` of the comparison has them; empty where there is no such row. They
  // live until the return.
  const std::vector<std::string_view>* before = nullptr;
  const std::vector<std::string_view>* after = nullptr;
};

struct RowCounts {
  uint64_t added = 0;
  uint64_t removed = 0;
  uint64_t changed = 0;
  std::vector<uint64_t> changed_columns;  // Beside `columns`: in how many of the changed rows it has another value.
};

class RowDiff {
 public:
  // The same table, under its present name or an earlier one. Both outlive this.
  RowDiff(const TableState& before, const TableState& after);

  // Those that are compared: what both states have. Where one has a column that the other has not, rows that are the
  // same but for it are the same. Within one history a row from before a column was added counts as having what ADD
  // COLUMN gave it.
  const std::vector<std::string>& columns() const { return columns_; }
  // Those by which rows are the same row; empty if rows are known by all that they are, and so are never changed.
  const std::vector<std::string>& key_columns() const { return key_columns_; }

  using Visit = std::function<void(const RowChange&)>;
  // Looks only at the rows of these keys, in their order. Both states must be of one epoch.
  RowCounts CompareKeys(const std::vector<std::string>& sorted_keys, const Visit& visit, const Interrupt& interrupt);
  // Reads both states whole.
  RowCounts CompareAll(const Visit& visit, const Interrupt& interrupt);

 private:
  struct Side {
    TableState state;
    uint32_t shape = 0;         // That lines are read in.
    size_t fields = 0;          // How many a line has.
    std::vector<size_t> picks;  // Which of them are compared.
  };
  void MatchColumns();
  std::unique_ptr<RowScan> Scan(const Side& side, ScanRequest::Access access) const;
  // Whether the keys of both states have the same bytes for the same row.
  bool KeysAgree() const;
  void Pick(const Side& side, std::string_view line, std::vector<std::string_view>* fields) const;
  void Emit(RowChange::Kind kind, const Visit& visit, RowCounts* counts);
  void EmitIfChanged(std::string_view before, std::string_view after, const Visit& visit, RowCounts* counts);
  void Merge(const Visit& visit, const Interrupt& interrupt, RowCounts* counts);
  void CompareByContent(const Visit& visit, const Interrupt& interrupt, RowCounts* counts);

  Side before_;
  Side after_;
  bool same_columns_ = false;  // Then equal lines are equal rows, and unequal ones are not.
  std::vector<std::string> columns_;
  std::vector<std::string> key_columns_;
  std::vector<std::string_view> before_fields_;
  std::vector<std::string_view> after_fields_;
};

}  // namespace rotv::history
