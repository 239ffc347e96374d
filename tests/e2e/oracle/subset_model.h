// Random tables with foreign keys (circles, references to themselves, composite and odd keys, partitions), and which of
// their rows a subset has, found by brute force: the server joins all rows by all foreign keys.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/random/dice.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

struct SubsetWorldTable {
  std::string name;  // "s3.t1"
  bool has_key = true;
  bool partitioned = false;
  int rows = 0;
  std::string start;  // A condition; empty: it does not start.
  std::optional<int> limit;
  std::string take;  // "whole", "exclude" or empty.
};

struct SubsetWorldKey {
  std::string table, referenced;
  std::vector<std::string> columns, referenced_columns;
};

// A schema of its own. The same dice make the same one.
class SubsetWorld {
 public:
  enum class Limits { kNone, kSome };
  SubsetWorld(const std::string& schema, Limits limits, Dice& dice);

  // Makes tables and rows.
  void Create(const PostgresServer& server);
  // The lines of [subset].
  std::string Config() const;
  const std::vector<SubsetWorldTable>& tables() const { return tables_; }
  bool IsReferenced(const SubsetWorldTable& table) const;

  // Rows as text, by table; each as often as it is there.
  using Rows = std::map<std::string, std::multiset<std::string>>;
  Rows RowsIn(const PostgresServer& server, const std::string& database) const;
  // What a subset without limits has.
  Rows Expected(const PostgresServer& server) const;
  // What it has at least, whatever the limits are: rows that start, where their table has no limit.
  Rows Started(const PostgresServer& server) const;

 private:
  void AddTable(Dice& dice);
  void AddKey(size_t table, Dice& dice);
  std::string CreateSql(const SubsetWorldTable& table) const;
  std::string FillSql(const SubsetWorldKey& key, int percent, int seed) const;

  std::string schema_;
  std::vector<SubsetWorldTable> tables_;
  std::vector<SubsetWorldKey> keys_;
  std::vector<std::string> key_sql_;  // What adds a key's columns, fills them, and adds the constraint.
};

}  // namespace rotv::testing
