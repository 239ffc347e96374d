#include "sync/carry/carry_writer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/carry/carry_sql.h"
#include "sync/carry/object_writer.h"
#include "sync/carry/row_walk.h"
#include "sync/carry/schema_match.h"
#include "sync/carry/table_writer.h"
#include "sync/formats/sql_statements.h"
#include "sync/history/touched_rows.h"
#include "sync/postgres/large_objects.h"
#include "sync/schema/follow.h"
#include "sync/schema/schema_check.h"
#include "sync/seed/table_order.h"

namespace rotv::carry {
namespace {

class CarryWriter {
 public:
  CarryWriter(const RowStore& store, const CarryEnds& ends, const Migration* migration,
              const std::function<void(std::string_view)>& write, Progress& progress, const Interrupt& interrupt)
      : store_(store),
        ends_(ends),
        migration_(migration),
        encoding_(store.manifest().source().encoding()),
        settle_(SettleText(encoding_)),
        out_(write),
        progress_(progress),
        interrupt_(interrupt),
        from_epochs_(EpochsAt(store.manifest(), ends.from)),
        to_epochs_(EpochsAt(store.manifest(), ends.to)),
        touched_(store, std::min(ends.from, ends.to), std::max(ends.from, ends.to), interrupt),
        tables_(write_, settle_, interrupt) {
    for (const proto::Table& table : ends.from_schema.tables()) from_tables_[table.quoted_name()] = &table;
  }

  CarryCounts Run() {
    if (migration_ != nullptr) write_(ScratchText(encoding_, migration_->whole, standard_strings()));
    write_(BeginText(encoding_));
    if (migration_ != nullptr) write_(RunText(encoding_, migration_->before_rows, standard_strings()));
    std::set<std::string> roots;  // Of partitions that are loaded through them.
    for (const proto::Table* table : seed::TablesInOrder(ends_.to_schema)) {
      progress_.Detail(table->quoted_name());
      if (table->load_through().empty()) {
        Count(IsReloaded(*table) ? Reload({.from = {}, .to = WantedState(*table)}) : WriteTable(PairOf(*table)));
      } else if (roots.insert(table->load_through()).second) {
        Count(WritePartitions(table->load_through()));
      }
    }
    write_(settle_);
    WriteSequences();
    WriteLargeObjects();
    if (migration_ != nullptr) write_(RunText(encoding_, migration_->after_rows, standard_strings()));
    if (counts_.tables > 0 || migration_ != nullptr) WriteRefresh();
    if (migration_ != nullptr) write_(settle_ + CompareText());
    write_(EndText());
    return counts_;
  }

 private:
  bool standard_strings() const { return ends_.to_schema.standard_strings(); }

  bool IsReloaded(const proto::Table& table) const {
    return migration_ != nullptr && migration_->reloaded.contains(table.quoted_name());
  }

  history::TableState WantedState(const proto::Table& table) const {
    return {.store = &store_, .table = &table, .epoch = EpochOf(to_epochs_, table, ends_.to), .lsn = ends_.to};
  }

  // The states have the same columns: those of a table that is altered, and of which the rows are kept, are read as the
  // alteration leaves them.
  TablePair PairOf(const proto::Table& table) const {
    const auto before = from_tables_.find(table.quoted_name());
    if (before == from_tables_.end()) throw Error(ErrorCode::kCorrupt, "two states of the store do not fit together");
    const bool reshaped = migration_ != nullptr && migration_->reshaped.contains(table.quoted_name());
    return {.from = {.store = &store_,
                     .table = reshaped ? &table : before->second,
                     .epoch = EpochOf(from_epochs_, *before->second, ends_.from),
                     .lsn = ends_.from},
            .to = WantedState(table)};
  }

  static bool OfOneEpoch(const TablePair& pair) {
    return pair.from.table->id() == pair.to.table->id() && pair.from.epoch == pair.to.epoch;
  }

  // Returns the keys of the rows that may differ between two states of one epoch; null: any may.
  const std::vector<std::string>* KeysOf(const TablePair& pair) const {
    static const std::vector<std::string> kNone;
    // A table that is not streamed gets a new epoch when it changes.
    if (!schema::IsStreamed(*pair.to.table)) return &kNone;
    return touched_.Keys(pair.to.table->id(), pair.to.epoch);
  }

  RowsWritten WriteTable(const TablePair& pair) {
    const bool has_keys = !schema::IsMultiset(*pair.to.table) && KeysAgree(pair.from, pair.to);
    if (!has_keys) return Differs(pair) ? Reload(pair) : RowsWritten{};
    if (!OfOneEpoch(pair)) return tables_.WriteDifferences(pair);
    const std::vector<std::string>* keys = KeysOf(pair);
    return keys != nullptr ? tables_.WriteTouched(pair, *keys) : Reload(pair);
  }

  RowsWritten Reload(const TablePair& pair) { return tables_.Reload(pair.to.table->quoted_name(), {pair.to}); }

  // Another server may put a row into another partition, so it is not known where the rows of each are.
  RowsWritten WritePartitions(const std::string& root) {
    std::vector<history::TableState> states;
    bool differs = false;
    for (const proto::Table* table : seed::TablesInOrder(ends_.to_schema)) {
      if (table->load_through() != root) continue;
      states.push_back(WantedState(*table));
      differs = differs || IsReloaded(*table) || Differs(PairOf(*table));
    }
    return differs ? tables_.Reload(root, states) : RowsWritten{};
  }

  bool Differs(const TablePair& pair) const {
    bool differs = false;
    const VisitRow note = [&](const auto&, const auto&) {
      differs = true;
      return false;
    };
    const std::vector<std::string>* keys = OfOneEpoch(pair) ? KeysOf(pair) : nullptr;
    if (keys != nullptr) {
      WalkTouched(pair.from, pair.to, *keys, note, interrupt_);
    } else if (KeysAgree(pair.from, pair.to)) {
      WalkAll(pair.from, pair.to, note, interrupt_);
    } else {
      differs = true;
    }
    return differs;
  }

  void Count(const RowsWritten& written) {
    if (written.rows == 0 && !written.reloaded) return;
    ++counts_.tables;
    counts_.rows += written.rows;
    if (written.reloaded) counts_.reloaded_rows += written.rows;
    progress_.Update(counts_.rows);
  }

  // All of them: the procedure changes those whose value differs. The stored values of an earlier state may be later
  // ones than those that a seed of it had, after a gc.
  void WriteSequences() {
    if (ends_.to_schema.sequences().empty()) return;
    std::map<uint32_t, proto::SequenceValue> values;
    const proto::SequenceValues stored = store_.SequencesAt(ends_.to);
    for (const proto::SequenceValue& value : stored.values()) values[value.id()] = value;
    std::string rows;
    for (const proto::Sequence& sequence : ends_.to_schema.sequences()) {
      const proto::SequenceValue& value = values[sequence.id()];
      rows +=
          CopyRow({sequence.quoted_name(), std::to_string(value.last_value()), value.is_called() ? "true" : "false"});
    }
    write_("COPY pg_temp.rotv_sequence FROM stdin;\n");
    write_(rows);
    write_("\\.\nCALL pg_temp.rotv_set_sequences();\n");
  }

  void WriteLargeObjects() {
    std::optional<TablePair> pair;
    for (const proto::Table& table : ends_.to_schema.tables()) {
      if (table.id() == postgres::kLargeObjectTable) pair = PairOf(table);
    }
    if (pair && pair->from.epoch == pair->to.epoch) pair.reset();
    const uint64_t changes = WriteObjects(
        pair, {.from = ObjectComments(ends_.from_schema), .to = ObjectComments(ends_.to_schema)}, write_, interrupt_);
    Count({.rows = changes});
  }

  // Does what a seed does at its end, with its settings.
  void WriteRefresh() {
    formats::SqlStatements statements(ends_.to_schema.post_data(), ends_.to_schema.standard_strings());
    std::string rows;
    int place = 0;
    while (const std::optional<std::string_view> statement = statements.Next()) {
      const std::optional<std::string_view> name = formats::NameAfter("REFRESH MATERIALIZED VIEW ", *statement);
      if (name) rows += CopyRow({std::to_string(++place), std::string(*name)});
    }
    if (rows.empty()) return;
    write_("COPY pg_temp.rotv_view FROM stdin;\n");
    write_(rows);
    write_("\\.\nRESET datestyle;\nRESET intervalstyle;\nCALL pg_temp.rotv_refresh();\n");
  }

  const RowStore& store_;
  const CarryEnds& ends_;
  const Migration* const migration_;  // Null: both states have one schema.
  const std::string encoding_;
  const std::string settle_;
  const std::function<void(std::string_view)>& out_;
  Progress& progress_;
  const Interrupt& interrupt_;
  const std::map<TableId, EpochNumber> from_epochs_;
  const std::map<TableId, EpochNumber> to_epochs_;
  const history::TouchedRows touched_;
  std::map<std::string, const proto::Table*> from_tables_;
  CarryCounts counts_;
  const TableWriter::Write write_ = [this](std::string_view text) {
    interrupt_.Check();
    out_(text);
    counts_.bytes += text.size();
  };
  TableWriter tables_;
};

}  // namespace

bool LogReaches(const RowStore& store, Lsn from, Lsn to) {
  return std::min(from, to) >= Lsn(store.manifest().log_from_lsn());
}

CarryCounts WriteCarryText(const RowStore& store, const CarryEnds& ends, const Migration* migration,
                           const std::function<void(std::string_view)>& write, Progress& progress,
                           const Interrupt& interrupt) {
  schema::CheckStoredSchema(ends.from_schema);
  schema::CheckStoredSchema(ends.to_schema);
  return CarryWriter(store, ends, migration, write, progress, interrupt).Run();
}

}  // namespace rotv::carry
