// Foreign keys of rows that a seed has, to rows that it does not have. Pure.

#pragma once

#include "proto/store.pb.h"
#include "sync/context/source_config.h"
#include "sync/postgres/catalog.h"

namespace rotv::schema {

// Looks for foreign keys that an import of a seed would refuse, because `exclude` or a mask of the catalogue's tables
// (ReadMaskedCatalog()) leaves out rows that others reference. Throws kUsage, naming each; or, if the source's
// missing_references says so, puts them into catalog->not_valid. Only partitioned tables' are refused even then, on
// servers that know no NOT VALID for them (before 18).
//
// No harm does a foreign key that an import does not check (NOT VALID, NOT ENFORCED), one of a table that has no rows
// here either, and one with a column that the rule "null" masks. Partitions count with the foreign keys of the tables
// that they belong to, on both sides.
void SettleReferences(const SourceConfig& source, int server_version, postgres::Catalog* catalog);

// "public.orders.orders_u_fkey, …": the foreign keys that a seed makes NOT VALID; empty for none.
std::string NotValidText(const postgres::Catalog& catalog);

// False if `schema` was described with foreign keys made NOT VALID, and the config no longer wants that.
bool ReferencesAreSettled(const proto::SchemaVersion& schema, const SourceConfig& source);

}  // namespace rotv::schema
