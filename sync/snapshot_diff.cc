#include "sync/snapshot_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/context/open_workspace.h"
#include "sync/formats/copy_text.h"
#include "sync/history/point.h"
#include "sync/history/touched_rows.h"
#include "sync/schema/follow.h"

namespace rotv {
namespace {

// One of the two points, with everything known about it.
struct Side {
  const RowStore* store = nullptr;
  Lsn lsn;
  proto::SchemaVersion schema;
  std::map<TableId, EpochNumber> epochs;
};

Side MakeSide(const RowStore& store, Lsn lsn) {
  return {.store = &store, .lsn = lsn, .schema = store.SchemaAt(lsn), .epochs = EpochsAt(store.manifest(), lsn)};
}

// Two states of one table; null in a state without it.
struct Pair {
  const proto::Table* before = nullptr;
  const proto::Table* after = nullptr;

  const std::string& name() const { return (after != nullptr ? after : before)->quoted_name(); }
};

// Pairs tables by their ids within one history, and by their names between two, or if a table was dropped and created
// again.
std::vector<Pair> PairTables(const Side& before, const Side& after) {
  std::map<TableId, const proto::Table*> by_id;
  std::map<std::string, const proto::Table*> by_name;
  for (const proto::Table& table : before.schema.tables()) {
    if (!schema::HasRows(table)) continue;
    if (before.store == after.store) by_id[table.id()] = &table;
    by_name[table.quoted_name()] = &table;
  }
  std::vector<Pair> pairs;
  std::vector<const proto::Table*> unmatched;
  auto take = [&](const proto::Table* old_table, const proto::Table* new_table) {
    pairs.push_back({old_table, new_table});
    by_id.erase(old_table->id());
    by_name.erase(old_table->quoted_name());
  };
  for (const proto::Table& table : after.schema.tables()) {
    if (!schema::HasRows(table)) continue;
    auto same = by_id.find(table.id());
    if (same != by_id.end()) {
      take(same->second, &table);
    } else {
      unmatched.push_back(&table);
    }
  }
  for (const proto::Table* table : unmatched) {
    auto same = by_name.find(table->quoted_name());
    if (same != by_name.end()) {
      take(same->second, table);
    } else {
      pairs.push_back({nullptr, table});
    }
  }
  for (const auto& [name, table] : by_name) pairs.push_back({table, nullptr});
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.name() < b.name(); });
  return pairs;
}

class StateComparison {
 public:
  // `touched` has the rows that were changed between the two states of one history, the earlier first; null for two
  // histories.
  StateComparison(const Side& before, const Side& after, const history::TouchedRows* touched,
                  const DiffRequest& request, const Context& context)
      : before_(before), after_(after), touched_(touched), request_(request), context_(context) {}

  std::vector<TableDiff> Run() {
    std::vector<TableDiff> tables;
    bool found = request_.table.empty();
    for (const Pair& pair : PairTables(before_, after_)) {
      if (!IsAskedFor(pair)) continue;
      found = true;
      context_.progress.Detail(pair.name());
      TableDiff diff = Compare(pair);
      bool differs = diff.changes() > 0 || diff.presence != TableDiff::Presence::kBoth || !diff.renamed_from.empty();
      if (differs) tables.push_back(std::move(diff));
    }
    if (!found) {
      throw Error(ErrorCode::kUsage, fmt::format("neither point has rows of a table {}", request_.table),
                  "name it as the diff of all tables does, with its schema if that is not public");
    }
    std::stable_sort(tables.begin(), tables.end(),
                     [](const TableDiff& a, const TableDiff& b) { return a.changes() > b.changes(); });
    return tables;
  }

 private:
  bool IsAskedFor(const Pair& pair) const {
    if (request_.table.empty()) return true;
    for (const proto::Table* table : {pair.before, pair.after}) {
      if (table != nullptr && (request_.table == table->quoted_name() || request_.table == table->name())) return true;
    }
    return false;
  }

  TableDiff Compare(const Pair& pair) {
    TableDiff diff{.name = pair.name(), .renamed_from = {}, .columns = {}, .key_columns = {}, .rows = {}};
    if (pair.before == nullptr || pair.after == nullptr) return CompareWithNothing(pair, std::move(diff));
    if (pair.before->quoted_name() != pair.after->quoted_name()) diff.renamed_from = pair.before->quoted_name();
    history::RowDiff rows(StateOf(before_, *pair.before), StateOf(after_, *pair.after));
    diff.columns = rows.columns();
    diff.key_columns = rows.key_columns();
    auto visit = [&](const history::RowChange& change) {
      if (request_.visit_row) request_.visit_row(diff, change);
    };
    const std::vector<std::string>* keys = KeysOf(pair);
    diff.rows = keys != nullptr ? rows.CompareKeys(*keys, visit, context_.interrupt)
                                : rows.CompareAll(visit, context_.interrupt);
    return diff;
  }

  // Handles a table that is in one of the states only: all of its rows were added or removed.
  TableDiff CompareWithNothing(const Pair& pair, TableDiff diff) {
    bool added = pair.before == nullptr;
    diff.presence = added ? TableDiff::Presence::kAfterOnly : TableDiff::Presence::kBeforeOnly;
    history::TableState full = added ? StateOf(after_, *pair.after) : StateOf(before_, *pair.before);
    history::TableState empty = full;
    empty.lsn = Lsn();  // An LSN before any row.
    history::RowDiff rows(added ? empty : full, added ? full : empty);
    diff.columns = rows.columns();
    diff.key_columns = rows.key_columns();
    diff.rows = rows.CompareAll(
        [&](const history::RowChange& change) {
          if (request_.visit_row) request_.visit_row(diff, change);
        },
        context_.interrupt);
    return diff;
  }

  static history::TableState StateOf(const Side& side, const proto::Table& table) {
    return {.store = side.store, .table = &table, .epoch = EpochOf(side.epochs, table, side.lsn), .lsn = side.lsn};
  }

  // Returns the keys of the rows to compare; null: all rows.
  const std::vector<std::string>* KeysOf(const Pair& pair) const {
    if (touched_ == nullptr || pair.before->id() != pair.after->id()) return nullptr;
    EpochNumber epoch = EpochOf(before_.epochs, *pair.before, before_.lsn);
    if (epoch != EpochOf(after_.epochs, *pair.after, after_.lsn)) return nullptr;
    return touched_->Keys(pair.after->id(), epoch);
  }

  const Side& before_;
  const Side& after_;
  const history::TouchedRows* touched_;
  const DiffRequest& request_;
  const Context& context_;
};

void Note(const history::PointInStore& opened, DiffPoint* point) {
  point->lsn = opened.point.lsn;
  point->time_us = opened.point.time_us;
}

std::map<TableId, std::string> NamesOf(const Side& before, const Side& after) {
  std::map<TableId, std::string> names;
  for (const Side* side : {&before, &after}) {
    for (const proto::Table& table : side->schema.tables()) names[table.id()] = table.quoted_name();
  }
  return names;
}

}  // namespace

SnapshotDiff Diff(const Context& context, const DiffRequest& request) {
  SnapshotDiff diff{.before = request.before, .after = request.after, .tables = {}, .schema = {}, .timeline = {}};
  Workspace workspace = OpenWorkspace(context, "snapshot diff", diff.before.source, Access::kRead);
  std::optional<Workspace> other;
  std::vector<history::PointInStore> points;
  if (diff.after.source == diff.before.source) {
    points = history::OpenPoints(workspace, {diff.before.name, diff.after.name});
  } else {
    other.emplace(OpenWorkspace(context, "snapshot diff", diff.after.source, Access::kRead));
    points = history::OpenPoints(workspace, {diff.before.name});
    points.push_back(history::OpenPoints(*other, {diff.after.name}).front());
  }
  Note(points.front(), &diff.before);
  Note(points.back(), &diff.after);
  const RowStore& store = *points.front().store;
  diff.one_history = points.front().store == points.back().store;
  Side before = MakeSide(store, diff.before.lsn);
  Side after = MakeSide(*points.back().store, diff.after.lsn);
  context.progress.Begin("comparing", Progress::Unit::kItems, 0);
  std::optional<history::TouchedRows> touched;
  diff.logged = diff.one_history && std::min(before.lsn, after.lsn) >= Lsn(store.manifest().log_from_lsn());
  if (diff.logged) {
    touched.emplace(store, std::min(before.lsn, after.lsn), std::max(before.lsn, after.lsn), context.interrupt);
    diff.timeline = touched->Timeline(std::min(diff.before.time_us, diff.after.time_us),
                                      std::max(diff.before.time_us, diff.after.time_us), NamesOf(before, after));
    diff.transactions = touched->transactions();
  }
  diff.tables = StateComparison(before, after, touched ? &*touched : nullptr, request, context).Run();
  if (request.table.empty()) diff.schema = schema::CompareSchemas(before.schema, after.schema);
  context.progress.End();
  return diff;
}

std::optional<std::string> FieldValue(std::string_view field) {
  if (field == formats::kCopyNull) return std::nullopt;
  std::string scratch;
  return std::string(formats::UnescapeCopyField(field, &scratch));
}

}  // namespace rotv
