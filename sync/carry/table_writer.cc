#include "sync/carry/table_writer.h"

#include <fmt/format.h>

#include <optional>

#include "sync/carry/carry_sql.h"
#include "sync/carry/row_walk.h"
#include "sync/formats/copy_text.h"

// Rows are removed before any is written, but one walk finds both. What it finds is held in memory, within a bound.
// Beyond the bound touched rows are walked twice more, once for removals and once for rows; of differences that were
// found by reading the whole table there are then so many that it may as well be loaded again.

namespace rotv::carry {
namespace {

constexpr size_t kMostHeld = size_t{32} << 20;
constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr std::string_view kEndOfRows = "\\.\n";

// Appends the key of a stored line as a row of COPY.
void AppendKey(const history::TableState& state, std::string_view line, std::string* out) {
  const auto columns = static_cast<size_t>(state.store->shapes().Get(state.table->shape()).columns_size());
  std::vector<std::string_view> fields;
  formats::SplitCopyLine(line, columns, &fields);
  bool first = true;
  for (uint32_t column : state.table->key_columns()) {
    if (!first) out->push_back('\t');
    first = false;
    out->append(fields.at(column));
  }
  out->push_back('\n');
}

}  // namespace

// The changes of one table, as far as they fit.
class TableWriter::Held {
 public:
  explicit Held(const history::TableState& from) : from_(from) {}

  // Returns false if they do not fit.
  bool Add(const std::optional<std::string_view>& before, const std::optional<std::string_view>& after) {
    ++rows_;
    if (before) {
      AppendKey(from_, *before, &removed_);
      ++removed_rows_;
    }
    if (after) added_.append(*after).push_back('\n');
    fits_ = removed_.size() + added_.size() <= kMostHeld;
    return fits_;
  }

  bool fits() const { return fits_; }
  uint64_t rows() const { return rows_; }
  uint64_t removed_rows() const { return removed_rows_; }
  const std::string& removed() const { return removed_; }
  const std::string& added() const { return added_; }

 private:
  const history::TableState& from_;
  std::string removed_;  // Keys.
  std::string added_;    // Lines.
  uint64_t removed_rows_ = 0;
  uint64_t rows_ = 0;
  bool fits_ = true;
};

void TableWriter::BeginTable(const std::string& name, const history::TableState& state) {
  write_(settle_);
  write_("COPY pg_temp.rotv_table FROM stdin;\n");
  write_(CopyRow({name, ArrayText(KeyNames(state)), state.table->filter()}));
  write_("\\.\nCALL pg_temp.rotv_begin();\n");
}

void TableWriter::BeginKeys(const TablePair& pair) {
  BeginTable(pair.to.table->quoted_name(), pair.from);
  write_("CALL pg_temp.rotv_await_keys();\nCOPY pg_temp.rotv_key FROM stdin;\n");
}

void TableWriter::EndKeys(uint64_t removed) {
  write_(kEndOfRows);
  write_(fmt::format("CALL pg_temp.rotv_remove({});\n", removed));
}

void TableWriter::BeginRows(const std::string& name, const history::TableState& state) {
  write_(settle_);
  write_(fmt::format("COPY {} {} FROM stdin;\n", name, state.table->copy_columns()));
}

void TableWriter::WriteHeld(const TablePair& pair, const Held& held) {
  BeginKeys(pair);
  write_(held.removed());
  EndKeys(held.removed_rows());
  BeginRows(pair.to.table->quoted_name(), pair.to);
  write_(held.added());
  write_(kEndOfRows);
  write_("CALL pg_temp.rotv_end();\n");
}

RowsWritten TableWriter::WriteTouched(const TablePair& pair, const std::vector<std::string>& sorted_keys) {
  Held held(pair.from);
  WalkTouched(
      pair.from, pair.to, sorted_keys, [&](const auto& before, const auto& after) { return held.Add(before, after); },
      interrupt_);
  if (!held.fits()) return WriteInTwoWalks(pair, sorted_keys);
  if (held.rows() > 0) WriteHeld(pair, held);
  return {.rows = held.rows()};
}

RowsWritten TableWriter::WriteInTwoWalks(const TablePair& pair, const std::vector<std::string>& sorted_keys) {
  uint64_t rows = 0, removed = 0;
  std::string piece;
  auto flush = [&](size_t from_size) {
    if (piece.size() < from_size) return;
    write_(piece);
    piece.clear();
  };
  BeginKeys(pair);
  auto remove = [&](const auto& before, const auto&) {
    ++rows;
    if (!before) return true;
    AppendKey(pair.from, *before, &piece);
    ++removed;
    flush(kPieceBytes);
    return true;
  };
  WalkTouched(pair.from, pair.to, sorted_keys, remove, interrupt_);
  flush(0);
  EndKeys(removed);
  BeginRows(pair.to.table->quoted_name(), pair.to);
  auto add = [&](const auto&, const auto& after) {
    if (after) piece.append(*after).push_back('\n');
    flush(kPieceBytes);
    return true;
  };
  WalkTouched(pair.from, pair.to, sorted_keys, add, interrupt_);
  flush(0);
  write_(kEndOfRows);
  write_("CALL pg_temp.rotv_end();\n");
  return {.rows = rows};
}

RowsWritten TableWriter::WriteDifferences(const TablePair& pair) {
  Held held(pair.from);
  WalkAll(
      pair.from, pair.to, [&](const auto& before, const auto& after) { return held.Add(before, after); }, interrupt_);
  if (!held.fits()) return Reload(pair.to.table->quoted_name(), {pair.to});
  if (held.rows() > 0) WriteHeld(pair, held);
  return {.rows = held.rows()};
}

RowsWritten TableWriter::Reload(const std::string& target, const std::vector<history::TableState>& states) {
  RowsWritten written{.rows = 0, .reloaded = true};
  BeginTable(target, states.front());
  write_("CALL pg_temp.rotv_empty();\n");
  std::string piece;
  for (const history::TableState& state : states) {
    BeginRows(target, state);
    const std::unique_ptr<RowScan> rows = ScanState(state);
    while (rows->Next()) {
      ++written.rows;
      piece.append(rows->line()).push_back('\n');
      if (piece.size() < kPieceBytes) continue;
      write_(piece);
      piece.clear();
    }
    write_(piece.append(kEndOfRows));
    piece.clear();
  }
  write_("CALL pg_temp.rotv_end();\n");
  return written;
}

}  // namespace rotv::carry
