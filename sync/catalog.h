// What the source's catalogue says of the tables and sequences that a dump of it would hold, and how each is followed.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/pg_connection.h"
#include "sync/source_config.h"

namespace rotv {

struct CatalogColumn {
  std::string name;
  std::string quoted_name;
  int number = 0;  // pg_attribute.attnum
  uint32_t type_oid = 0;
  int32_t type_modifier = -1;
  bool is_generated = false;
};

struct CatalogIndex {
  std::string quoted_name;
  bool is_primary = false;
  bool is_replica_identity = false;
  bool is_immediate = false;
  bool is_valid = false;
  std::vector<int> column_numbers;
};

struct CatalogTable {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  std::string quoted_name;
  char kind = 'r';              // pg_class.relkind
  char persistence = 'p';       // pg_class.relpersistence
  char replica_identity = 'd';  // pg_class.relreplident
  bool of_extension = false;
  bool is_extension_config = false;  // pg_dump dumps rows of it, although it is an extension's.
  std::string quoted_owner;
  bool owned = false;  // By us, or by a role that we are a member of.
  bool readable = false;
  bool row_security = false;  // Policies apply to us.
  int64_t rows_estimate = 0;
  int64_t bytes = 0;
  std::vector<CatalogColumn> columns;  // Neither dropped nor system columns, in order.
  std::vector<CatalogIndex> indexes;   // Primary key and replica identity only.
};

struct CatalogSequence {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  std::string quoted_name;
  bool readable = false;
};

struct Catalog {
  std::vector<CatalogTable> tables;        // Ordinary, partitioned and foreign; by (schema, name) in byte order.
  std::vector<CatalogSequence> sequences;  // Likewise.
  int64_t large_objects = 0;
  std::string quoted_user;  // Whom we are logged in as.
};

// As the connection's snapshot sees it, if it is in a transaction. One round trip.
Catalog ReadCatalog(PgConnection& connection);

// How a table is followed, and what is wrong with it, if anything.
struct FollowDecision {
  proto::Follow follow = proto::FOLLOW_SCHEMA_ONLY;
  std::string way;                  // "by primary key", "by index notes_key", "as a bag"; empty if no rows are kept.
  std::string reason;               // "notes_pkey", "excluded in rotv.toml"
  std::vector<int> column_numbers;  // Of the identity; for FOLLOW_KEY.
  std::string problem;              // Why it cannot be followed; empty if it can.
  std::string fix;                  // The statement that mends it.
  std::string lacking;              // What of it the seed will lack without being asked to; empty for nothing.
};
FollowDecision Decide(const CatalogTable& table, const SourceConfig& source);

// The tables, shapes and sequences of a schema version; its texts are left empty.
proto::SchemaVersion DescribeSchema(const Catalog& catalog, const SourceConfig& source);

bool IsFollowed(const proto::Table& table);

// Whether `table` is left out by the `exclude` of rotv.toml.
bool IsExcluded(const SourceConfig& source, const std::string& schema, const std::string& name);

// Tables that are excluded now but were not when `schema` was described, or the other way round.
std::vector<std::string> ExclusionChanges(const proto::SchemaVersion& schema, const SourceConfig& source);

}  // namespace rotv
