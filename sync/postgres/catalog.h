// Reads the source's catalogue: the tables and sequences that a dump of it would contain.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/managed_service.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

struct CatalogColumn {
  std::string name;
  std::string quoted_name;
  int number = 0;  // pg_attribute.attnum
  uint32_t type_oid = 0;
  int32_t type_modifier = -1;
  bool is_generated = false;
  uint32_t xmin = 0;                   // That of its row in pg_attribute.
  std::optional<std::string> missing;  // pg_attribute.attmissingval, the value of older rows; nullopt: NULL.
};

struct CatalogIndex {
  std::string quoted_name;
  bool is_primary = false;
  bool is_replica_identity = false;
  bool is_immediate = false;
  bool is_valid = false;
  std::vector<int> column_numbers;
  uint32_t constraint_oid = 0;  // The constraint that it implements; 0 for none.
  bool may_hold_null = false;   // A column's NOT NULL is NOT VALID (since 18): rows with NULL may exist.
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
  bool is_extension_config = false;  // It belongs to an extension, and pg_dump dumps rows of it all the same.
  bool owned = false;                // Our role, or a role that it is a member of, owns it.
  bool readable = false;
  bool row_security = false;         // Policies apply to our role.
  bool full_identity_serves = true;  // Changes of it are allowed while it is published with identity FULL.
  bool dropped = false;              // A masking rule drops its rows: schema only.
  std::string extension_filter;      // The rows of is_extension_config that are dumped: empty, or "WHERE …".
  std::string quoted_owner;
  // The owner is a superuser, or a role that can become one: no role should be made a member of it.
  bool owner_can_be_superuser = false;
  std::string load_through;   // The quoted root of a partition that pg_dump loads through it; else empty.
  std::string closed_schema;  // Its schema, quoted, if our role lacks USAGE on it; else empty.
  int64_t rows_estimate = 0;
  int64_t bytes = 0;
  uint32_t file = 0;                   // pg_class.relfilenode
  uint32_t partition_of = 0;           // The table that it is a partition of; 0 for none.
  int last_column = 0;                 // The greatest attnum, including those of dropped columns.
  std::string membership;              // Its row in the publication of ReadCatalog(); empty if it has none.
  std::vector<CatalogColumn> columns;  // In order, without dropped and system columns.
  std::vector<CatalogIndex> indexes;   // Primary key and replica identity only.
  std::string identity_index;          // A unique index that could be its replica identity, quoted; empty for none.
  proto::TableMask mask;               // Set by the masking rules, not by ReadCatalog().
};

struct CatalogSequence {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  std::string quoted_name;
  bool readable = false;
  std::string closed_schema;  // See CatalogTable.
};

// A foreign key as it was declared, without those that partitions have from it.
struct CatalogReference {
  uint32_t table = 0;
  uint32_t referenced_table = 0;
  std::string name;
  std::vector<int> column_numbers;  // Of `table`, pg_attribute.attnum.
  bool match_full = false;
  bool is_checked = true;     // Rows that are imported are checked: it is neither NOT VALID nor NOT ENFORCED.
  bool to_extension = false;  // The referenced table belongs to an extension.
};

// Everything that determines the text of a type's values: the type, its elements, attributes, base types and ranges.
struct CatalogType {
  std::string fingerprint;      // It does not cover the labels of enums.
  std::vector<uint32_t> enums;  // The enum types among them.
  bool by_name = false;         // The text contains names of other objects: regclass and the like.
};

struct CatalogEnumLabel {
  uint32_t oid = 0;
  uint32_t type_oid = 0;
  std::string label;
};

struct Catalog {
  std::vector<CatalogTable> tables;        // Ordinary, partitioned and foreign; by (schema, name) in byte order.
  std::vector<CatalogSequence> sequences;  // In the same order.
  std::map<uint32_t, CatalogType> types;   // The types of the tables' columns, by oid.
  std::vector<CatalogEnumLabel> enum_labels;
  std::vector<CatalogReference> references;
  std::vector<CatalogReference> not_valid;  // Those that a seed makes NOT VALID. Set like CatalogTable::mask.
  int64_t large_objects = 0;
  bool large_objects_readable = true;        // Our role can read all of them.
  bool large_object_pages_readable = false;  // Our role can read pg_largeobject itself; by default a superuser can.
  std::string quoted_user;                   // The role of the session.
  bool user_inherits = true;                 // pg_roles.rolinherit of that role.
  int server_version = 0;
  Service service = Service::kNone;  // The managed service that the server belongs to.
  proto::MaskRecord mask_record;     // Set like CatalogTable::mask.
  proto::DatabaseFacts database;     // Without what AddServerSettings() adds.
};

// Reads the catalogue in one round trip; in a transaction, at the connection's snapshot. `publication` is the name of
// ours, unquoted, or empty.
Catalog ReadCatalog(PgConnection& connection, const std::string& publication = "");

}  // namespace rotv::postgres
