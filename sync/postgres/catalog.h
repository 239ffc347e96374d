// What the source's catalogue says of the tables and sequences that a dump of it would hold.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

struct CatalogColumn {
  std::string name;
  std::string quoted_name;
  int number = 0;  // pg_attribute.attnum
  uint32_t type_oid = 0;
  int32_t type_modifier = -1;
  bool is_generated = false;
  uint32_t xmin = 0;                   // Of its row in pg_attribute.
  std::optional<std::string> missing;  // What older rows, which do not have the column, have in it; nothing for NULL.
};

struct CatalogIndex {
  std::string quoted_name;
  bool is_primary = false;
  bool is_replica_identity = false;
  bool is_immediate = false;
  bool is_valid = false;
  std::vector<int> column_numbers;
  uint32_t constraint_oid = 0;  // Of the constraint that it serves; 0 for none.
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
  bool owned = false;                // By us, or by a role that we are a member of.
  bool readable = false;
  bool row_security = false;         // Policies apply to us.
  bool full_identity_serves = true;  // The server lets a published table be changed that has identity FULL.
  bool dropped = false;              // By a masking rule: schema only.
  std::string extension_filter;      // Which rows of is_extension_config: empty, or "WHERE …".
  std::string quoted_owner;
  bool owner_can_be_superuser =
      false;                  // A superuser, or a role that can become one: nobody should be made a member of it.
  std::string load_through;   // The quoted root of a partition that pg_dump loads through it; else empty.
  std::string closed_schema;  // Its schema, quoted, if we lack USAGE on it.
  int64_t rows_estimate = 0;
  int64_t bytes = 0;
  uint32_t file = 0;                   // pg_class.relfilenode
  int last_column = 0;                 // The greatest attnum, of dropped columns too.
  std::string membership;              // Its row in the publication that was asked for; empty if it has none.
  std::vector<CatalogColumn> columns;  // Neither dropped nor system columns, in order.
  std::vector<CatalogIndex> indexes;   // Primary key and replica identity only.
  proto::TableMask mask;               // As the masking rules say; nothing of it is known to ReadCatalog().
};

struct CatalogSequence {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  std::string quoted_name;
  bool readable = false;
  std::string closed_schema;  // As of a table.
};

// All that the text of a type's values is made of: itself, its elements, attributes, base types and ranges.
struct CatalogType {
  std::string fingerprint;      // Without the labels of enums.
  std::vector<uint32_t> enums;  // The enum types among them.
  bool by_name = false;         // The text is made of the names of other objects: regclass and the like.
};

struct CatalogEnumLabel {
  uint32_t oid = 0;
  uint32_t type_oid = 0;
  std::string label;
};

struct Catalog {
  std::vector<CatalogTable> tables;        // Ordinary, partitioned and foreign; by (schema, name) in byte order.
  std::vector<CatalogSequence> sequences;  // Likewise.
  std::map<uint32_t, CatalogType> types;   // Of the tables' columns, by oid.
  std::vector<CatalogEnumLabel> enum_labels;
  int64_t large_objects = 0;
  bool large_objects_readable = true;        // All of them, by us.
  bool large_object_pages_readable = false;  // pg_largeobject itself, which takes a superuser by default.
  std::string quoted_user;                   // Whom we are logged in as.
  proto::MaskRecord mask_record;             // As CatalogTable::mask.
};

// As the connection's snapshot sees it, if it is in a transaction. One round trip. `publication` is ours, unquoted, or
// empty.
Catalog ReadCatalog(PgConnection& connection, const std::string& publication = "");

}  // namespace rotv::postgres
