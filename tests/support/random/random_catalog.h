// The catalogue of a database, as the random workload needs it: in an order that follows from names alone and without
// object identifiers, so that the same statements lead to the same answer on every server.

#pragma once

#include <string>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

struct RandomColumn {
  std::string name;
  std::string type;  // The form of CREATE TABLE, qualified: numeric(10,2), s.mood, integer[].
  bool not_null = false;
  bool has_default = false;
  bool identity = false;
  bool generated = false;
  bool inherited = false;
  bool partition_key = false;
  bool in_key = false;  // Part of any unique index.
  bool used = false;    // Used by a view, a policy, a trigger or a generated column.
  std::string foreign;  // The table that it refers to; empty: none.
  std::string foreign_column;
};

struct RandomIndex {
  std::string name;
  bool primary = false;
  bool constraint = false;
  bool unique = false;
  bool immediate = false;
  bool plain = false;         // Has no expression and no condition.
  bool can_identify = false;  // May be a replica identity.
};

struct RandomTable {
  std::string schema;
  std::string name;
  char kind = 'r';         // pg_class.relkind.
  char persistence = 'p';  // pg_class.relpersistence.
  char strategy = ' ';     // pg_partitioned_table.partstrat.
  std::string root;        // The table whose partition it is, as SQL.
  std::string bound;       // FOR VALUES ...
  bool inherits = false;
  bool has_children = false;
  std::vector<RandomColumn> columns;
  std::vector<RandomIndex> indexes;
  std::vector<std::string> constraints;  // CHECK and FOREIGN KEY.
  std::vector<std::string> triggers;

  std::string Sql() const { return SqlName(schema) + "." + SqlName(name); }
  bool IsRoot() const { return kind == 'p'; }
  bool IsPartition() const { return !root.empty(); }
  bool IsLeaf() const { return kind == 'r' && IsPartition(); }
  bool IsPlain() const { return kind == 'r' && root.empty(); }
  bool HasPrimaryKey() const;
};

struct RandomType {
  std::string sql;                           // Qualified.
  char kind = 'e';                           // pg_type.typtype: enum, composite, domain.
  std::string base;                          // The base type of a domain.
  std::vector<std::string> labels;           // The labels of an enum.
  std::vector<std::string> attributes;       // The names of a composite type's attributes,
  std::vector<std::string> attribute_types;  // and their types.
};

struct RandomCatalog {
  std::vector<std::string> schemas;  // SQL, like all names below.
  std::vector<RandomTable> tables;
  std::vector<RandomType> types;
  std::vector<std::string> views;
  std::vector<std::string> materialized_views;
  std::vector<std::string> sequences;  // Sequences without an owning column.
  std::vector<std::string> functions;  // Trigger functions.
  std::vector<std::string> large_objects;

  const RandomTable* FindTable(const std::string& sql) const;
  const RandomType* FindType(const std::string& sql) const;
};

// Reads the catalogue in the session's transaction.
RandomCatalog ReadCatalog(Connection& connection);

}  // namespace rotv::testing
