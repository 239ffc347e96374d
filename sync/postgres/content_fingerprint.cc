#include "sync/postgres/content_fingerprint.h"

#include <fmt/format.h>

#include "sync/postgres/large_objects.h"

// A hash over the values of all rows would give no false alarms, but takes about as long as a copy. A row that is
// inserted or updated has a new place (ctid) or a new xmin, and a deleted one is missing; so count(*) and a sum over
// hashes of both change with every change. VACUUM FULL and the like only cause a resync that was not needed. One look
// at the end of a pull covers the whole pull: an equal fingerprint means that nothing has changed since it was taken.

namespace rotv::postgres {
namespace {

constexpr int kPerStatement = 200;

// The fingerprint is count(*) and a sum over a hash of each row's place and xmin: a row that is written again gets
// another place or another xmin. The last column is false if the table has another file than at the snapshot, which
// would then read no rows.
std::string TableSql(const proto::Table& table) {
  return fmt::format(
      "SELECT {0}::oid, (SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(ctid::text || ' ' || "
      "xmin::text, 0)), 0)::text FROM ONLY {1}{2}), (SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class "
      "WHERE oid = {0})",
      table.id(), table.quoted_name(), table.filter());
}

}  // namespace

std::vector<std::string> ContentStatements(const proto::SchemaVersion& schema) {
  std::vector<std::string> statements;
  int count = 0;
  for (const proto::Table& table : schema.tables()) {
    if (table.follow() != proto::FOLLOW_COPY) continue;
    if (count++ % kPerStatement == 0) statements.emplace_back();
    if (!statements.back().empty()) statements.back() += " UNION ALL ";
    statements.back() +=
        table.id() == kLargeObjectTable ? LargeObjectContentSql(schema.large_object_pages()) : TableSql(table);
  }
  return statements;
}

std::optional<std::map<uint32_t, std::string>> ParseContent(std::span<const PgResult> results) {
  std::map<uint32_t, std::string> content;
  for (const PgResult& result : results) {
    for (int row = 0; row < result.rows(); ++row) {
      if (!result.Bool(row, 2)) return std::nullopt;
      content[result.Oid(row, 0)] = result.Get(row, 1);
    }
  }
  return content;
}

}  // namespace rotv::postgres
