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

}  // namespace rotv::postgres
