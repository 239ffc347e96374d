#include "tests/support/random/random_data.h"

#include <algorithm>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

bool IsNumber(const RandomColumn& column) {
  return column.type == "integer" || column.type == "bigint" || column.type == "numeric" || column.type == "smallint";
}

bool HasDeferrableKey(const RandomTable& table) {
  return std::any_of(table.indexes.begin(), table.indexes.end(),
                     [](const RandomIndex& index) { return index.unique && !index.immediate; });
}

std::string Names(const std::vector<const RandomColumn*>& columns) {
  std::string names;
  for (const RandomColumn* column : columns) {
    if (!names.empty()) names += ", ";
    names += SqlName(column->name);
  }
  return names;
}

}  // namespace

const RandomTable& RandomData::Top(const RandomTable& table) const {
  const RandomTable* top = &table;
  while (top->IsPartition()) {
    const RandomTable* root = catalog_.FindTable(top->root);
    if (root == nullptr) break;
    top = root;
  }
  return *top;
}

const RandomTable& RandomData::Table() {
  if (const RandomTable* last = catalog_.FindTable(world_.last_table()); last != nullptr && dice_.OneIn(3))
    return *last;
  const RandomTable& table = dice_.Pick(catalog_.tables);
  // A leaf partition is mostly written to through its root.
  return dice_.OneIn(3) ? table : Top(table);
}

std::string RandomData::Change() {
  if (catalog_.tables.empty()) return "";
  const RandomTable& table = Table();
  switch (dice_.Below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return Insert(table);
    case 4:
    case 5:
    case 6:
      return Update(table);
    case 7:
      return UpdateKey(table);
    case 8:
      return Delete(table);
    default:
      return fmt::format("{}; {}", Insert(table), Update(table));
  }
}

std::string RandomData::ValueList(const RandomTable& table, const std::vector<const RandomColumn*>& columns,
                                  const RandomColumn* counted) {
  std::string list;
  for (const RandomColumn* column : columns) {
    if (!list.empty()) list += ", ";
    list += column == counted ? "n" : values_.ValueFor(table, *column);
  }
  return list;
}

std::string RandomData::Insert(const RandomTable& table) {
  const std::string sql = Top(table).Sql();
  std::vector<const RandomColumn*> columns;
  const RandomColumn* counted = nullptr;
  for (const RandomColumn& column : table.columns) {
    if (column.generated) continue;
    const bool may_be_left = !column.not_null || column.has_default || column.identity;
    if (may_be_left && !column.partition_key && dice_.OneIn(column.identity || column.has_default ? 2 : 6)) continue;
    if (IsNumber(column) && column.foreign.empty() && (counted == nullptr || column.in_key)) counted = &column;
    columns.push_back(&column);
  }
  if (columns.empty()) return fmt::format("INSERT INTO {} DEFAULT VALUES", sql);
  const std::string start = fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE ", sql, Names(columns));
  // A deferrable constraint refuses the clause.
  const char* conflict = dice_.OneIn(12) || HasDeferrableKey(table) ? "" : " ON CONFLICT DO NOTHING";
  if (counted != nullptr && dice_.OneIn(4)) {
    const int first = dice_.Below(60);
    const int last = first + (dice_.OneIn(12) ? 150 : dice_.Below(12));
    return fmt::format("{}SELECT {} FROM generate_series({}, {}) n{}", start, ValueList(table, columns, counted), first,
                       last, conflict);
  }
  std::string rows;
  for (int i = dice_.Below(4); i >= 0; --i) {
    if (!rows.empty()) rows += ", ";
    rows += "(" + ValueList(table, columns, nullptr) + ")";
  }
  return fmt::format("{}VALUES {}{}", start, rows, conflict);
}

// A condition that picks a few rows by their values: the physical order of rows differs from run to run.
std::string RandomData::Where(const RandomTable& table) {
  for (const RandomColumn& column : table.columns) {
    if (!IsNumber(column) || dice_.OneIn(3)) continue;
    return dice_.OneIn(2)
               ? fmt::format("{0} BETWEEN {1} AND {1} + {2}", SqlName(column.name), dice_.Below(60), dice_.Below(12))
               : fmt::format("{} = {}", SqlName(column.name), dice_.Below(60));
  }
  return fmt::format(
      "(tableoid, ctid) IN (SELECT tableoid, ctid FROM {} whole_row ORDER BY whole_row::text COLLATE \"C\", "
      "tableoid::regclass::text, ctid LIMIT {} OFFSET {})",
      table.Sql(), 1 + dice_.Below(4), dice_.Below(5));
}

std::string RandomData::Update(const RandomTable& table) {
  std::string sets;
  for (const RandomColumn& column : table.columns) {
    if (column.generated || column.in_key || column.partition_key || column.identity || !dice_.OneIn(3)) continue;
    if (!sets.empty()) sets += ", ";
    sets += fmt::format("{} = {}", SqlName(column.name),
                        dice_.OneIn(8) ? SqlName(column.name) : values_.ValueFor(table, column));
  }
  if (sets.empty()) return UpdateKey(table);
  return fmt::format("UPDATE {} SET {} WHERE {}", table.Sql(), sets, Where(table));
}

// Keys are moved, exchanged, or set to values that may exist already.
std::string RandomData::UpdateKey(const RandomTable& table) {
  std::vector<const RandomColumn*> keys;
  for (const RandomColumn& column : table.columns) {
    if ((column.in_key || column.partition_key) && !column.identity && !column.generated) keys.push_back(&column);
  }
  if (keys.empty()) return Delete(table);
  const RandomColumn& key = *dice_.Pick(keys);
  const std::string name = SqlName(key.name);
  if (IsNumber(key) && !dice_.OneIn(4)) {
    // All keys are moved together, so that hardly any collides.
    if (dice_.OneIn(2)) {
      return fmt::format("UPDATE {0} SET {1} = {1} + {2} WHERE {3}", table.Sql(), name, 100 + dice_.Below(1000),
                         Where(table));
    }
    return fmt::format(
        "UPDATE {0} SET {1} = {2} - {1} WHERE {1} IN ({3}, {2} - {3}) AND NOT EXISTS (SELECT FROM {0} x "
        "WHERE x.{1} = {2} - {3})",
        table.Sql(), name, 61, dice_.Below(60));
  }
  return fmt::format(
      "UPDATE {0} SET {1} = {2} WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {0} whole_row ORDER "
      "BY whole_row::text COLLATE \"C\", tableoid::regclass::text, ctid LIMIT 1 OFFSET {3})",
      table.Sql(), name, values_.ValueFor(table, key), dice_.Below(6));
}

std::string RandomData::Delete(const RandomTable& table) {
  return fmt::format("DELETE FROM {} WHERE {}", table.Sql(), Where(table));
}

std::string RandomData::Truncate() {
  if (catalog_.tables.empty()) return "";
  std::string list = dice_.Pick(catalog_.tables).Sql();
  if (dice_.OneIn(3)) {
    const std::string other = dice_.Pick(catalog_.tables).Sql();
    if (other != list) list += ", " + other;
  }
  return fmt::format("TRUNCATE {}{} CASCADE", list, dice_.OneIn(3) ? " RESTART IDENTITY" : "");
}

}  // namespace rotv::testing
