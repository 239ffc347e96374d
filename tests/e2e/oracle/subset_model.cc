#include "tests/e2e/oracle/subset_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rotv::testing {
namespace {

// What other tables can reference, and the types that a referencing column may have.
struct Candidate {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> types;  // For each column.
};
const std::vector<Candidate>& Candidates() {
  static const std::vector<Candidate> kAll = {
      {{"id"}, {{"int", "bigint"}}},
      {{"alt"}, {{"text", "varchar(40)"}}},
      {{"num"}, {{"numeric", "numeric(12,4)"}}},
      {{"pad"}, {{"char(9)", "char(6)"}}},
      {{"c1", "c2"}, {{"int", "smallint"}, {"text"}}},
      {{"c2", "c1"}, {{"text"}, {"int"}}},
  };
  return kAll;
}

// Where a row is, and its text.
constexpr const char* kPlace = "{0}.tableoid::text || {0}.ctid::text";

}  // namespace

SubsetWorld::SubsetWorld(const std::string& schema, Limits limits, Dice& dice) : schema_(schema) {
  const int count = 3 + dice.Below(5);
  for (int i = 0; i < count; ++i) AddTable(dice);
  for (size_t i = 0; i < tables_.size(); ++i) {
    for (int keys = dice.Below(4); keys > 0; --keys) AddKey(i, dice);
  }
  SubsetWorldTable& first = tables_[static_cast<size_t>(dice.Below(count))];
  first.start = fmt::format("id < {}", 4 + dice.Below(8));
  first.take.clear();
  if (limits == Limits::kNone) return;
  for (SubsetWorldTable& table : tables_) {
    if (table.take.empty() && dice.OneIn(2)) table.limit = 1 + dice.Below(8);
  }
}

void SubsetWorld::AddTable(Dice& dice) {
  SubsetWorldTable table;
  table.name = fmt::format("{}.t{}", schema_, tables_.size());
  table.partitioned = dice.OneIn(5);
  table.has_key = table.partitioned || !dice.OneIn(5);
  table.rows = 10 + dice.Below(50);
  if (dice.OneIn(8)) table.take = dice.OneIn(2) ? "whole" : "exclude";
  tables_.push_back(table);
}

void SubsetWorld::AddKey(size_t table, Dice& dice) {
  const SubsetWorldTable& referenced = tables_[static_cast<size_t>(dice.Below(static_cast<int>(tables_.size())))];
  if (!referenced.has_key) return;
  const Candidate& target = referenced.partitioned ? Candidates().front() : dice.Pick(Candidates());
  SubsetWorldKey key{
      .table = tables_[table].name, .referenced = referenced.name, .columns = {}, .referenced_columns = target.columns};
  const size_t number = keys_.size();
  std::string sql;
  for (size_t i = 0; i < target.columns.size(); ++i) {
    key.columns.push_back(fmt::format("f{}_{}", number, i));
    sql += fmt::format("ALTER TABLE {} ADD COLUMN {} {};", key.table, key.columns.back(), dice.Pick(target.types[i]));
  }
  sql += FillSql(key, 20 + dice.Below(80), dice.Below(1000));
  const bool full = target.columns.size() > 1 && dice.OneIn(2);
  // Of a key that is not MATCH FULL a part may be NULL: it references nothing.
  if (target.columns.size() > 1 && !full) {
    sql += fmt::format("UPDATE {} SET {} = NULL WHERE id % 5 = 0;", key.table, key.columns.back());
  }
  sql += fmt::format("ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}){}{};", key.table,
                     fmt::join(key.columns, ", "), key.referenced, fmt::join(target.columns, ", "),
                     full ? " MATCH FULL" : "", dice.OneIn(4) ? " DEFERRABLE INITIALLY DEFERRED" : "");
  key_sql_.push_back(sql);
  keys_.push_back(std::move(key));
}

std::string SubsetWorld::FillSql(const SubsetWorldKey& key, int percent, int seed) const {
  std::vector<std::string> picked;
  for (const std::string& column : key.referenced_columns) picked.push_back("p." + column);
  // An odd form of the same number.
  for (std::string& column : picked) {
    if (column == "p.num") column = "p.num * 1.0";
  }
  return fmt::format(
      "UPDATE {0} c SET ({1}) = (SELECT {2} FROM {3} p ORDER BY md5(p.id::text || c.id::text || '{4}') LIMIT 1) "
      "WHERE abs(hashtext(c.id::text || '{4}')) % 100 < {5};",
      key.table, fmt::join(key.columns, ", "), fmt::join(picked, ", "), key.referenced, seed, percent);
}

std::string SubsetWorld::CreateSql(const SubsetWorldTable& table) const {
  std::string sql =
      fmt::format("CREATE TABLE {} (id int, alt text, num numeric, pad char(8), c1 int, c2 text", table.name);
  if (table.partitioned) {
    sql += ", PRIMARY KEY (id)) PARTITION BY HASH (id);";
    // One partition has its columns in another order, as after ATTACH PARTITION.
    sql += fmt::format(
        "CREATE TABLE {0}_0 PARTITION OF {0} FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE {0}_1 (c2 text, c1 int, gone int, pad char(8), num numeric, alt text, id int NOT NULL);"
        "ALTER TABLE {0}_1 DROP COLUMN gone;"
        "ALTER TABLE {0} ATTACH PARTITION {0}_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);",
        table.name);
  } else if (table.has_key) {
    sql += ", PRIMARY KEY (id), UNIQUE (alt), UNIQUE (num), UNIQUE (pad), UNIQUE (c1, c2));";
  } else {
    sql += ");";
  }
  return sql + fmt::format(
                   "INSERT INTO {} SELECT i, CASE WHEN i % 7 > 0 THEN 'k; ' || i END, i * 1.50, 'p' || i, i % 6, "
                   "E'c\\t' || i / 6 FROM generate_series(1, {}) i;",
                   table.name, table.rows);
}

void SubsetWorld::Create(const PostgresServer& server) {
  std::string sql = fmt::format("CREATE SCHEMA {};", schema_);
  for (const SubsetWorldTable& table : tables_) sql += CreateSql(table);
  server.Exec(sql);
  Connection connection = server.NewConnection();
  for (const std::string& key : key_sql_) connection.Exec(key);  // A transaction each: deferred checks are done.
}

bool SubsetWorld::IsReferenced(const SubsetWorldTable& table) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const SubsetWorldKey& key) { return key.referenced == table.name; });
}

std::string SubsetWorld::Config() const {
  std::string text;
  for (const SubsetWorldTable& table : tables_) {
    if (!table.start.empty()) {
      text += fmt::format("\"{}\" = {{ where = \"{}\"{} }}\n", table.name, table.start,
                          table.limit ? fmt::format(", limit = {}", *table.limit) : "");
    } else if (!table.take.empty()) {
      text += fmt::format("\"{}\" = \"{}\"\n", table.name, table.take);
    } else if (table.limit) {
      text += fmt::format("\"{}\" = {{ limit = {} }}\n", table.name, *table.limit);
    }
  }
  return text;
}

SubsetWorld::Rows SubsetWorld::RowsIn(const PostgresServer& server, const std::string& database) const {
  Rows rows;
  for (const SubsetWorldTable& table : tables_) {
    rows[table.name];
    for (const auto& row : server.Query(fmt::format("SELECT r::text FROM {} r", table.name), {database, "postgres"})) {
      rows[table.name].insert(*row[0]);
    }
  }
  return rows;
}

SubsetWorld::Rows SubsetWorld::Started(const PostgresServer& server) const {
  Rows rows;
  for (const SubsetWorldTable& table : tables_) {
    if (table.start.empty() || table.limit) continue;
    for (const auto& row : server.Query(fmt::format("SELECT r::text FROM {} r WHERE {}", table.name, table.start))) {
      rows[table.name].insert(*row[0]);
    }
  }
  return rows;
}

SubsetWorld::Rows SubsetWorld::Expected(const PostgresServer& server) const {
  std::map<std::string, std::pair<std::string, std::string>> text_of;  // Table and text, by place.
  std::set<std::string> down, up;
  std::map<std::string, const SubsetWorldTable*> by_name;
  for (const SubsetWorldTable& table : tables_) {
    by_name[table.name] = &table;
    const std::string starts = table.start.empty() ? "false" : table.start;
    for (const auto& row : server.Query(fmt::format("SELECT {}, r::text, {} FROM {} r",
                                                    fmt::format(fmt::runtime(kPlace), "r"), starts, table.name))) {
      text_of[*row[0]] = {table.name, *row[1]};
      if (row[2] == "t") down.insert(*row[0]);
      if (table.take == "whole") up.insert(*row[0]);
    }
  }
  std::vector<std::pair<std::string, std::string>> pairs;  // What references, and what is referenced.
  std::set<std::pair<std::string, std::string>> comes_down;
  for (const SubsetWorldKey& key : keys_) {
    std::string equal;
    for (size_t i = 0; i < key.columns.size(); ++i) {
      equal += fmt::format("{}c.{} = p.{}", i == 0 ? "" : " AND ", key.columns[i], key.referenced_columns[i]);
    }
    for (const auto& row :
         server.Query(fmt::format("SELECT {}, {} FROM {} c JOIN {} p ON {}", fmt::format(fmt::runtime(kPlace), "c"),
                                  fmt::format(fmt::runtime(kPlace), "p"), key.table, key.referenced, equal))) {
      pairs.emplace_back(*row[0], *row[1]);
      if (by_name[key.table]->take != "exclude") comes_down.insert(pairs.back());
    }
  }
  for (size_t before = SIZE_MAX; before != down.size();) {
    before = down.size();
    for (const auto& [from, to] : comes_down) {
      if (down.count(to) > 0) down.insert(from);
    }
  }
  up.insert(down.begin(), down.end());
  for (size_t before = SIZE_MAX; before != up.size();) {
    before = up.size();
    for (const auto& [from, to] : pairs) {
      if (up.count(from) > 0) up.insert(to);
    }
  }
  Rows rows;
  for (const SubsetWorldTable& table : tables_) rows[table.name];
  for (const std::string& place : up) rows[text_of[place].first].insert(text_of[place].second);
  return rows;
}

}  // namespace rotv::testing
