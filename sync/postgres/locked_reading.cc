#include "sync/postgres/locked_reading.h"

#include <fmt/format.h>

#include "sync/postgres/exported_snapshot_slot.h"
#include "sync/postgres/large_objects.h"

namespace rotv::postgres {

std::string BeginReadingSql(const PgConnection& connection, const proto::Table& table, const std::string& snapshot) {
  if (table.id() == kLargeObjectTable) return SetTransactionSnapshotSql(snapshot) + "; SELECT true; ";
  const std::string& name = table.quoted_name();
  return fmt::format(
      "{}; LOCK TABLE ONLY {} IN ACCESS SHARE MODE; "
      "SELECT relfilenode = pg_relation_filenode(oid) AND oid = {}::regclass FROM pg_catalog.pg_class WHERE oid = {}; ",
      SetTransactionSnapshotSql(snapshot), name, connection.QuoteLiteral(name), table.id());
}

bool IsForMovedTable(const PgFailure& failure) {
  // These states mean: no such table, column or schema; not a table.
  for (const char* state : {"42P01", "42703", "42809", "3F000"}) {
    if (failure.sqlstate == state) return true;
  }
  return IsForRestrictedRelation(failure);
}

bool IsForBusyTable(const PgFailure& failure) { return IsForLock(failure) || failure.sqlstate == "57014"; }

}  // namespace rotv::postgres
