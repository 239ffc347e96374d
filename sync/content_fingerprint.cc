#include "sync/content_fingerprint.h"

#include <fmt/format.h>

#include "sync/schema_version.h"

namespace rotv {
namespace {

constexpr int kPerStatement = 200;

// A row that is written again gets another place and another xmin. Where the table's file has changed since the
// snapshot, the snapshot would read nothing.
std::string TableSql(const proto::Table& table) {
  return fmt::format(
      "SELECT {0}::oid, (SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(ctid::text || ' ' || "
      "xmin::text, 0)), 0)::text FROM ONLY {1}{2}), (SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class "
      "WHERE oid = {0})",
      table.id(), table.quoted_name(), table.filter());
}

// Owner, privileges and existence are in the metadata. Where pg_largeobject may not be read, all values are.
std::string LargeObjectsSql(bool pages) {
  const char* contents =
      pages
          ? "(SELECT coalesce(sum(hashtextextended(ctid::text || ' ' || xmin::text, 0)), 0)::text FROM pg_largeobject)"
          : "(SELECT coalesce(sum(hashtextextended(m.oid::text || ' ' || n::text || md5(lo_get(m.oid, n, 1048576)), "
            "0)), 0)::text FROM (SELECT oid, lo_lseek64(lo_open(oid, 262144), 0, 2) AS size FROM "
            "pg_largeobject_metadata OFFSET 0) m CROSS JOIN LATERAL generate_series(0, m.size - 1, 1048576) n)";
  return fmt::format(
      "SELECT {}::oid, (SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(oid::text || ' ' || "
      "xmin::text, 0)), 0)::text FROM pg_largeobject_metadata) || ':' || {}, true",
      kLargeObjectTable, contents);
}

}  // namespace

std::string LargeObjectRowsSql() {
  // lo_open() is the one way to a large object's size that whoever may read it has; what it opens ends with the
  // transaction.
  return "SELECT m.oid, n, lo_get(m.oid, n, 16384) FROM (SELECT oid, lo_lseek64(lo_open(oid, 262144), 0, 2) AS size "
         "FROM pg_largeobject_metadata OFFSET 0) m CROSS JOIN LATERAL generate_series(0, greatest(m.size - 1, 0), "
         "16384) n";
}

std::vector<std::string> ContentStatements(const proto::SchemaVersion& schema) {
  std::vector<std::string> statements;
  int count = 0;
  for (const proto::Table& table : schema.tables()) {
    if (table.follow() != proto::FOLLOW_COPY) continue;
    if (count++ % kPerStatement == 0) statements.emplace_back();
    if (!statements.back().empty()) statements.back() += " UNION ALL ";
    statements.back() +=
        table.id() == kLargeObjectTable ? LargeObjectsSql(schema.large_object_pages()) : TableSql(table);
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

}  // namespace rotv
