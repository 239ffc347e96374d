// The clean part of a dump: the statements before the first object, which pg_dump --clean --if-exists writes so that a
// dump can be imported over an older import. Pure: no I/O.

#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace rotv::formats {

// Offsets in a dump's text before the rows; both are at the beginning of a line.
struct CleanPart {
  size_t begin = 0;
  size_t end = 0;  // Where the first object, or a setting for it, begins.
};

// Finds the clean part of `pre_data`; an empty range if there is none.
CleanPart FindCleanPart(std::string_view pre_data);

// Returns the tables, named as in the text, that `pre_data` creates as partitioned tables or attaches as partitions.
// `standard_strings` is the source's standard_conforming_strings.
std::set<std::string> PartitionedTables(std::string_view pre_data, bool standard_strings);

// Returns statements of a clean part in a form that can be imported into an empty database too. pg_dump's own text
// names objects there that are not created yet; each of these statements is put into a DO block that asks first whether
// the object is there. The block's dollar tag says which departure it is:
//   $rotv_view$           CREATE OR REPLACE VIEW, which names a schema and types
//   $rotv_domain$         ALTER DOMAIN, which has no IF EXISTS
//   $rotv_access_method$  DROP OPERATOR CLASS or FAMILY of an access method that does not come with PostgreSQL
//   $rotv_partitioned$    ALTER TABLE ... DROP CONSTRAINT of a table in `partitioned`: PostgreSQL refuses to drop a key
//                         that a partition inherits; it is dropped with its table
// All other statements stay as they are.
std::string ImportableCleanPart(std::string_view statements, const std::set<std::string>& partitioned);

// Returns `pre_data` as pg_dump writes it without --clean.
std::string WithoutCleanPart(std::string_view pre_data);

}  // namespace rotv::formats
