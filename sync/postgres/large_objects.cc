#include "sync/postgres/large_objects.h"

#include <fmt/format.h>

#include <algorithm>

namespace rotv::postgres {
namespace {

// MAX_BLOBS_PER_ARCHIVE_ENTRY of pg_dump.
constexpr int kMostInGroup = 1000;

}  // namespace

std::string LargeObjectGroupName(const proto::LargeObjectGroup& group) {
  const auto& objects = group.objects();
  std::string first = std::to_string(objects.begin()->oid());
  return objects.size() == 1 ? first : fmt::format("{}..{}", first, objects.rbegin()->oid());
}

std::string LargeObjectContentSql(bool pages) {
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

std::string LargeObjectRowsSql() {
  // lo_open() is the only way to a large object's size for a role that may only read it. The descriptor is closed with
  // the transaction.
  return "SELECT m.oid, n, lo_get(m.oid, n, 16384) FROM (SELECT oid, lo_lseek64(lo_open(oid, 262144), 0, 2) AS size "
         "FROM pg_largeobject_metadata OFFSET 0) m CROSS JOIN LATERAL generate_series(0, greatest(m.size - 1, 0), "
         "16384) n";
}

std::string LargeObjectGroupsSql() {
  return "SELECT oid, lomowner::text || ' ' || coalesce(lomacl::text, ''), obj_description(oid, 'pg_largeobject') FROM "
         "pg_largeobject_metadata ORDER BY lomowner, lomacl::pg_catalog.text, oid";
}

void ParseLargeObjectGroups(const PgResult& result, proto::SchemaVersion* schema) {
  std::vector<proto::LargeObjectGroup> groups;
  std::string_view owner;
  for (int row = 0; row < result.rows(); ++row) {
    if (groups.empty() || result.Text(row, 1) != owner || groups.back().objects_size() == kMostInGroup) {
      groups.emplace_back();
    }
    owner = result.Text(row, 1);
    proto::LargeObject* object = groups.back().add_objects();
    object->set_oid(result.Oid(row, 0));
    if (!result.IsNull(row, 2)) object->set_comment(result.Get(row, 2));
  }
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return LargeObjectGroupName(a) < LargeObjectGroupName(b); });
  for (proto::LargeObjectGroup& group : groups) *schema->add_large_objects() = std::move(group);
}

}  // namespace rotv::postgres
