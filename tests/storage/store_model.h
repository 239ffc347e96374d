// StoreModel is a plain picture of a store in memory: every row with all its values, version by version. It knows
// nothing of partial versions, files or keys of RocksDB, and says what each retained state must read.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/row_version.h"
#include "storage/store_state.h"

namespace rotv::testing {

struct ModelColumn {
  uint32_t number = 0;
  std::optional<std::string> missing;  // The field of rows that were stored before the table had this column.
};

struct ModelShape {
  TableId table = 0;
  std::vector<ModelColumn> columns;
};

// What the schema in force says of a table.
struct ModelTable {
  enum class Kind { kIntegerKey, kTextKey, kMultiset };
  Kind kind = Kind::kIntegerKey;
  uint32_t shape = 0;
};

struct ModelSchema {
  std::map<TableId, ModelTable> tables;
};

struct ModelRow {
  uint32_t shape = 0;
  uint32_t count = 1;
  std::vector<std::string> fields;
};

struct ModelVersion {
  uint64_t lsn = 0;
  std::optional<ModelRow> row;  // None: the row was deleted.
};

using ModelRows = std::map<std::string, std::vector<ModelVersion>>;  // By row key; the oldest version comes first.

struct ModelEpoch {
  EpochNumber number = 0;
  uint64_t start_lsn = 0;
};

struct ModelChanges {
  uint64_t inserted = 0, updated = 0, deleted = 0;
  bool truncated = false;
  std::multiset<std::string> keys;
  bool operator==(const ModelChanges&) const = default;
};

struct ModelTransaction {
  uint64_t commit_lsn = 0;
  int64_t time_us = 0;
  std::map<std::pair<TableId, EpochNumber>, ModelChanges> changes;
};

// What one Publish() makes durable, but for rows and change log.
struct ModelState {
  StoreState state;
  std::map<TableId, std::vector<ModelEpoch>> epochs;
  std::map<uint64_t, ModelSchema> schemas;    // By the LSN from which on they are in force.
  std::map<uint64_t, int64_t> sequences;      // By the LSN at which they were read.
  std::map<uint32_t, ModelShape> shapes;      // By id.
  std::map<std::string, uint64_t> snapshots;  // LSNs by name.
  std::vector<std::pair<uint64_t, uint64_t>> gaps;
  uint64_t baseline = 0, durable = 0, head = 0, kept_from = 0, log_from = 0;
  bool pulling = false;
  std::set<TableId> must_copy;
};

class StoreModel {
 public:
  ModelState now;  // As the run has it; Publish() of the walk makes it durable.

  // Adds a version; it replaces one of the same row and LSN.
  void Put(TableId table, EpochNumber epoch, const std::string& key, ModelVersion version);
  // The newest version of a row; none if it was deleted or never was.
  const ModelRow* Newest(TableId table, EpochNumber epoch, const std::string& key) const;
  const ModelRows& Rows(TableId table, EpochNumber epoch) const;
  void DropEpoch(TableId table, EpochNumber epoch) { rows_.erase({table, epoch}); }
  void Log(ModelTransaction transaction) { log_.push_back(std::move(transaction)); }

  // Forgets what was written and not published, as a crash does.
  void RevertTo(const ModelState& published);
  // Forgets what no retained state needs.
  void Prune();

  // --- What must be read

  // True if the state at `lsn` is one that the store has promised.
  bool IsRetained(uint64_t lsn) const;
  // True if a promised state lies in (after, to].
  bool NeedsAny(uint64_t after, uint64_t to) const;
  // LSNs of promised states: points, both ends of each range of states, and the moments of some transactions.
  std::vector<uint64_t> RetainedLsns() const;
  std::optional<EpochNumber> EpochAt(TableId table, uint64_t lsn) const;
  const ModelSchema& SchemaAt(uint64_t lsn) const;
  uint64_t SchemaLsnAt(uint64_t lsn) const;
  std::optional<int64_t> SequenceAt(uint64_t lsn) const;
  // The rows of a table by key, as lines of `shape`; 0: each in its own shape.
  struct Line {
    std::string text;
    uint32_t count = 1;
  };
  std::map<std::string, Line> RowsAt(TableId table, EpochNumber epoch, uint64_t lsn, uint32_t shape) const;
  std::string LineOf(const ModelRow& row, uint32_t shape) const;
  std::vector<std::string> Converted(const ModelRow& row, uint32_t shape) const;
  // Published transactions from `log_from` on.
  const std::vector<ModelTransaction>& log() const { return log_; }

 private:
  std::map<std::pair<TableId, EpochNumber>, ModelRows> rows_;
  std::vector<ModelTransaction> log_;
};

}  // namespace rotv::testing
