// Writes what makes the rows of one state of a table those of another one.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "sync/history/row_diff.h"

namespace rotv::carry {

// One table, in the state that the database has and in the wanted one. The names, columns and filters of both are the
// same.
struct TablePair {
  history::TableState from;
  history::TableState to;
};

// The rows that were written or removed, where a changed row counts once.
struct RowsWritten {
  uint64_t rows = 0;
  bool reloaded = false;  // The table was emptied, and all rows of the wanted state were written.
};

class TableWriter {
 public:
  using Write = std::function<void(std::string_view)>;
  // `settle` is SettleText(). All must outlive the writer.
  TableWriter(const Write& write, const std::string& settle, const Interrupt& interrupt)
      : write_(write), settle_(settle), interrupt_(interrupt) {}

  // Writes the rows with these keys that differ, as removals by key and new rows. Both states are of one epoch of a
  // table with a key. All removals come first: rows may exchange the values of a unique column. Writes nothing if no
  // row differs.
  RowsWritten WriteTouched(const TablePair& pair, const std::vector<std::string>& sorted_keys);

  // The same for all rows of both states, whose keys agree. If the rows that differ do not fit into memory, the table
  // is reloaded.
  RowsWritten WriteDifferences(const TablePair& pair);

  // Empties `target`, a table or the root of partitions that are loaded through it, and writes all rows of these
  // states.
  RowsWritten Reload(const std::string& target, const std::vector<history::TableState>& states);

 private:
  class Held;

  void BeginTable(const std::string& name, const history::TableState& state);
  void BeginKeys(const TablePair& pair);
  void EndKeys(uint64_t removed);
  void BeginRows(const std::string& name, const history::TableState& state);
  void WriteHeld(const TablePair& pair, const Held& held);
  RowsWritten WriteInTwoWalks(const TablePair& pair, const std::vector<std::string>& sorted_keys);

  const Write& write_;
  const std::string& settle_;
  const Interrupt& interrupt_;
};

}  // namespace rotv::carry
