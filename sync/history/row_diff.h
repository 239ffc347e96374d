// Finds the rows of one table that differ between two of its states.

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
  // Fields of COPY text, still escaped, in the order of `columns` of the comparison; empty if there is no such row.
  // They live until the callback returns.
  const std::vector<std::string_view>* before = nullptr;
  const std::vector<std::string_view>* after = nullptr;
};

struct RowCounts {
  uint64_t added = 0;
  uint64_t removed = 0;
  uint64_t changed = 0;
  std::vector<uint64_t> changed_columns;  // For each of `columns`: in how many changed rows its value differs.
};

class RowDiff {
 public:
  // Both states are of the same table, under its present name or an earlier one. Both must outlive this object.
  RowDiff(const TableState& before, const TableState& after);

  // The columns that are compared: those that both states have. Rows that differ only in a column that one state lacks
  // count as equal. Within one history a row from before a column was added has the value that ADD COLUMN gave it.
  const std::vector<std::string>& columns() const { return columns_; }
  // The columns that identify a row; empty if rows are identified by their whole content, and so are never changed.
  const std::vector<std::string>& key_columns() const { return key_columns_; }

  using Visit = std::function<void(const RowChange&)>;
  // Compares only the rows of these keys, in their order. Both states must be of one epoch.
  RowCounts CompareKeys(const std::vector<std::string>& sorted_keys, const Visit& visit, const Interrupt& interrupt);
  // Compares all rows of both states.
  RowCounts CompareAll(const Visit& visit, const Interrupt& interrupt);

 private:
  struct Side {
    TableState state;
    uint32_t shape = 0;         // The shape in which lines are read.
    size_t fields = 0;          // How many fields a line has.
    std::vector<size_t> picks;  // Indexes of the fields that are compared.
  };
  void MatchColumns();
  std::unique_ptr<RowScan> Scan(const Side& side, ScanRequest::Access access) const;
  // True if the keys of both states have the same bytes for the same row.
  bool KeysAgree() const;
  void Pick(const Side& side, std::string_view line, std::vector<std::string_view>* fields) const;
  void Emit(RowChange::Kind kind, const Visit& visit, RowCounts* counts);
  void EmitIfChanged(std::string_view before, std::string_view after, const Visit& visit, RowCounts* counts);
  void Merge(const Visit& visit, const Interrupt& interrupt, RowCounts* counts);
  void CompareByContent(const Visit& visit, const Interrupt& interrupt, RowCounts* counts);

  Side before_;
  Side after_;
  bool same_columns_ = false;  // Then rows are equal if and only if their lines are.
  std::vector<std::string> columns_;
  std::vector<std::string> key_columns_;
  std::vector<std::string_view> before_fields_;
  std::vector<std::string_view> after_fields_;
};

}  // namespace rotv::history
