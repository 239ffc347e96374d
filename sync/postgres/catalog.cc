#include "sync/postgres/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <tuple>

#include "storage/error.h"
#include "sync/postgres/database_facts.h"
#include "sync/postgres/statement_batch.h"

namespace rotv::postgres {
namespace {

// Excludes the schemas that pg_dump leaves out, and the temporary ones of other sessions.
constexpr const char* kUserSchema = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

// The constraint by which column `a` is said to be NOT NULL while rows with NULL may exist.
constexpr const char* kNotNullNotValid =
    "SELECT FROM pg_catalog.pg_constraint nn WHERE nn.conrelid = a.attrelid AND nn.contype = 'n' AND "
    "nn.conkey[1] = a.attnum AND NOT nn.convalidated";

// {0} is kUserSchema, {1} the publication's name as a literal, {2} kNotNullNotValid, {3}
// kServiceRoles. pg_table_size() would wait for a migration that has
// locked the table, and we could not tell the user for what; so the size of a locked table is an estimate. The hash of
// an enum's value differs between databases: pg_dump loads hash partitions by an enum through their root.
constexpr const char* kTablesSql = R"(
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind, c.relpersistence,
       c.relreplident,
       EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
               AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'),
       e.condition IS NOT NULL,
       pg_has_role(c.relowner, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid),
       greatest(c.reltuples, 0)::bigint,
       CASE WHEN c.relkind <> 'r' THEN 0 WHEN c.oid = ANY (l.locked) THEN c.relpages * 8192::bigint
            ELSE coalesce(pg_table_size(c.oid), 0) END, quote_ident(pg_get_userbyid(c.relowner)),
       c.relfilenode, c.relnatts, coalesce(m.membership, ''), coalesce(e.condition, ''),
       CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN '' ELSE quote_ident(n.nspname) END,
       CASE WHEN c.relispartition AND EXISTS (
              SELECT FROM pg_partition_ancestors(c.oid) a(oid) JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = a.oid
              WHERE (SELECT o.oid FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
                     WHERE o.opcname = 'enum_ops' AND o.opcnamespace = 'pg_catalog'::regnamespace
                           AND am.amname = 'hash') = ANY (p.partclass))
            THEN (SELECT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)
                  FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
                  WHERE r.oid = pg_partition_root(c.oid)) ELSE '' END,
       coalesce(c.relowner = ANY (mighty.owners), false),
       coalesce((SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE c.relispartition AND i.inhrelid = c.oid LIMIT 1), 0),
       coalesce((SELECT quote_ident(x.relname)
                 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                 WHERE c.relkind = 'r' AND i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
                       AND i.indpred IS NULL AND i.indexprs IS NULL
                       AND NOT EXISTS (SELECT FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k(number)
                                       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                                       WHERE NOT a.attnotnull OR a.attgenerated <> '' OR EXISTS ({2}))
                 ORDER BY i.indnkeyatts, x.relname LIMIT 1), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN (SELECT config.oid, coalesce(config.condition, '') AS condition
                FROM pg_catalog.pg_extension, unnest(extconfig, extcondition) config(oid, condition)) e ON e.oid = c.oid
     LEFT JOIN (SELECT pr.prrelid, concat_ws(':', pr.oid, pr.xmin, p.xmin, p.pubinsert, p.pubupdate, p.pubdelete,
                                             p.pubtruncate, p.pubviaroot) AS membership
                FROM pg_catalog.pg_publication_rel pr JOIN pg_catalog.pg_publication p ON p.oid = pr.prpubid
                WHERE p.pubname = {1}) m ON m.prrelid = c.oid
     CROSS JOIN (SELECT array_agg(relation) AS locked FROM pg_catalog.pg_locks
                 WHERE mode = 'AccessExclusiveLock' AND database = (SELECT oid FROM pg_catalog.pg_database
                                                                    WHERE datname = current_database())) l
     CROSS JOIN (SELECT array_agg(o.oid) AS owners FROM pg_catalog.pg_roles o
                 WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE pg_has_role(o.oid, r.oid, 'MEMBER') AND
                               (r.rolsuper OR r.rolcreaterole OR r.rolname IN ('pg_execute_server_program',
                                'pg_read_server_files', 'pg_write_server_files')))) mighty
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {0};
SELECT a.attrelid, a.attnum, a.attname, quote_ident(a.attname), a.atttypid, a.atttypmod, a.attgenerated <> '', a.xmin,
       CASE WHEN a.atthasmissing THEN a.attmissingval::text END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND {0}
ORDER BY a.attrelid, a.attnum;
SELECT i.indrelid, quote_ident(x.relname), i.indisprimary, i.indisreplident, i.indimmediate, i.indisvalid,
       array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' '),
       coalesce((SELECT con.oid FROM pg_catalog.pg_constraint con WHERE con.conindid = i.indexrelid
                 AND con.contype IN ('p', 'u') AND con.conrelid = i.indrelid LIMIT 1), 0),
       EXISTS (SELECT FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k(number)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE EXISTS ({2}))
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
WHERE (i.indisprimary OR i.indisreplident) AND {0};
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       has_sequence_privilege(c.oid, 'SELECT'),
       CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN '' ELSE quote_ident(n.nspname) END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {0}
      AND (NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                       AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')
           OR EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE c.oid = ANY (extconfig)));
WITH RECURSIVE
root AS (SELECT DISTINCT a.atttypid AS oid
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND a.attnum > 0 AND a.atttypid <> 0 AND {0}),
closure(root, oid) AS (SELECT oid, oid FROM root
  UNION SELECT closure.root, k.child FROM closure, LATERAL (
    SELECT t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = closure.oid AND t.typbasetype <> 0
    UNION ALL SELECT t.typelem FROM pg_catalog.pg_type t WHERE t.oid = closure.oid AND t.typelem <> 0
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
              WHERE t.oid = closure.oid AND t.typrelid <> 0 AND a.attnum > 0 AND a.atttypid <> 0
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE closure.oid IN (r.rngtypid, r.rngmultitypid)
  ) k(child))
SELECT closure.root,
       bit_xor(hash_record_extended(row(t.oid, t.typoutput, p.xmin, p.prosrc), 1)) # coalesce(bit_xor(m.h), 0) #
       coalesce(bit_xor(hash_record_extended(row(current_setting('lc_monetary')), 4))
                FILTER (WHERE t.oid = 'money'::regtype), 0),
       bool_or(t.oid IN ('regclass'::regtype, 'regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype,
                         'regoperator'::regtype, 'regtype'::regtype, 'regrole'::regtype, 'regnamespace'::regtype,
                         'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype, 'aclitem'::regtype)),
       coalesce(string_agg(t.oid::text, ' ') FILTER (WHERE t.typtype = 'e'), '')
FROM closure JOIN pg_catalog.pg_type t ON t.oid = closure.oid
     LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typoutput
     LEFT JOIN LATERAL (SELECT bit_xor(hash_record_extended(row(x.attrelid, x.attnum, x.atttypid, x.atttypmod,
                                                                x.attisdropped), 3)) AS h
                        FROM pg_catalog.pg_attribute x
                        WHERE t.typrelid <> 0 AND x.attrelid = t.typrelid AND x.attnum > 0) m ON true
GROUP BY closure.root;
SELECT oid, enumtypid, enumlabel FROM pg_catalog.pg_enum ORDER BY oid;
SELECT count(*), quote_ident(current_user), has_table_privilege('pg_catalog.pg_largeobject', 'SELECT'),
       coalesce(bool_and(pg_has_role(lomowner, 'USAGE') OR EXISTS (
         SELECT FROM aclexplode(lomacl) a
         WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))), true),
       (SELECT rolinherit FROM pg_catalog.pg_roles WHERE rolname = current_user),
       (SELECT coalesce(string_agg(rolname, ' '), '') FROM pg_catalog.pg_roles WHERE rolname IN ({3}))
FROM pg_catalog.pg_largeobject_metadata;
SELECT con.conrelid, con.confrelid, con.conname, array_to_string(con.conkey, ' '), con.confmatchtype = 'f',
       con.convalidated AND coalesce(pg_catalog.to_jsonb(con) ->> 'conenforced', 'true') = 'true',
       EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
               AND d.objid = con.confrelid AND d.objsubid = 0 AND d.refclassid = 'pg_catalog.pg_extension'::regclass
               AND d.deptype = 'e')
FROM pg_catalog.pg_constraint con WHERE con.contype = 'f' AND con.conparentid = 0 ORDER BY con.oid
)";

std::vector<uint32_t> ParseOids(std::string_view text) {
  std::vector<uint32_t> numbers;
  while (!text.empty()) {
    uint32_t number = 0;
    const char* end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), static_cast<size_t>(end - text.data()) + 1));
  }
  return numbers;
}

std::vector<int> ParseNumbers(std::string_view text) {
  std::vector<uint32_t> numbers = ParseOids(text);
  return {numbers.begin(), numbers.end()};
}

// Extracts the element from pg_attribute.attmissingval, which is an array of one element.
std::string ElementOf(std::string_view array) {
  if (array.size() < 2 || array.front() != '{' || array.back() != '}') {
    throw Error(ErrorCode::kProtocol, "the source's catalogue has a column default that is not understood");
  }
  array = array.substr(1, array.size() - 2);
  if (!array.starts_with('"')) return std::string(array);
  std::string element;
  for (size_t i = 1; i + 1 < array.size(); ++i) {
    if (array[i] == '\\') ++i;
    element.push_back(array[i]);
  }
  return element;
}

CatalogTable TableOf(const PgResult& rows, int row) {
  CatalogTable table;
  table.oid = rows.Oid(row, 0);
  table.schema = rows.Get(row, 1);
  table.name = rows.Get(row, 2);
  table.quoted_name = rows.Get(row, 3);
  table.kind = rows.Text(row, 4)[0];
  table.persistence = rows.Text(row, 5)[0];
  table.replica_identity = rows.Text(row, 6)[0];
  table.of_extension = rows.Bool(row, 7);
  table.is_extension_config = rows.Bool(row, 8);
  table.owned = rows.Bool(row, 9);
  table.readable = rows.Bool(row, 10);
  table.row_security = rows.Bool(row, 11);
  table.rows_estimate = rows.Int(row, 12);
  table.bytes = rows.Int(row, 13);
  table.quoted_owner = rows.Get(row, 14);
  table.file = rows.Oid(row, 15);
  table.last_column = static_cast<int>(rows.Int(row, 16));
  table.membership = rows.Get(row, 17);
  table.extension_filter = rows.Get(row, 18);
  table.closed_schema = rows.Get(row, 19);
  table.load_through = rows.Get(row, 20);
  table.owner_can_be_superuser = rows.Bool(row, 21);
  table.partition_of = rows.Oid(row, 22);
  table.identity_index = rows.Get(row, 23);
  return table;
}

CatalogColumn ColumnOf(const PgResult& rows, int row) {
  CatalogColumn column{.name = rows.Get(row, 2),
                       .quoted_name = rows.Get(row, 3),
                       .number = static_cast<int>(rows.Int(row, 1)),
                       .type_oid = rows.Oid(row, 4),
                       .type_modifier = static_cast<int32_t>(rows.Int(row, 5)),
                       .is_generated = rows.Bool(row, 6),
                       .xmin = rows.Oid(row, 7),
                       .missing = std::nullopt};
  if (!rows.IsNull(row, 8)) column.missing = ElementOf(rows.Text(row, 8));
  return column;
}

CatalogIndex IndexOf(const PgResult& rows, int row) {
  return {.quoted_name = rows.Get(row, 1),
          .is_primary = rows.Bool(row, 2),
          .is_replica_identity = rows.Bool(row, 3),
          .is_immediate = rows.Bool(row, 4),
          .is_valid = rows.Bool(row, 5),
          .column_numbers = ParseNumbers(rows.Text(row, 6)),
          .constraint_oid = rows.Oid(row, 7),
          .may_hold_null = rows.Bool(row, 8)};
}

CatalogReference ReferenceOf(const PgResult& rows, int row) {
  return {.table = rows.Oid(row, 0),
          .referenced_table = rows.Oid(row, 1),
          .name = rows.Get(row, 2),
          .column_numbers = ParseNumbers(rows.Text(row, 3)),
          .match_full = rows.Bool(row, 4),
          .is_checked = rows.Bool(row, 5),
          .to_extension = rows.Bool(row, 6)};
}

template <typename Object>
void SortByName(std::vector<Object>* objects) {
  std::sort(objects->begin(), objects->end(),
            [](const Object& a, const Object& b) { return std::tie(a.schema, a.name) < std::tie(b.schema, b.name); });
}

// Assembles the tables. A table that was created between two of the statements is skipped.
std::vector<CatalogTable> TablesOf(const std::vector<PgResult>& results, int server_version) {
  std::map<uint32_t, CatalogTable> tables;
  for (int row = 0; row < results[0].rows(); ++row) tables.emplace(results[0].Oid(row, 0), TableOf(results[0], row));
  for (int row = 0; row < results[1].rows(); ++row) {
    auto table = tables.find(results[1].Oid(row, 0));
    if (table != tables.end()) table->second.columns.push_back(ColumnOf(results[1], row));
  }
  for (int row = 0; row < results[2].rows(); ++row) {
    auto table = tables.find(results[2].Oid(row, 0));
    if (table != tables.end()) table->second.indexes.push_back(IndexOf(results[2], row));
  }
  std::vector<CatalogTable> sorted;
  for (auto& [oid, table] : tables) {
    // Since 18 generated columns are part of identity FULL: the server refuses changes unless they are published.
    table.full_identity_serves =
        server_version < 180000 || std::none_of(table.columns.begin(), table.columns.end(),
                                                [](const CatalogColumn& column) { return column.is_generated; });
    sorted.push_back(std::move(table));
  }
  SortByName(&sorted);
  return sorted;
}

}  // namespace

Catalog ReadCatalog(PgConnection& connection, const std::string& publication) {
  // Its statements are separated by semicolons.
  const std::string tables = fmt::format(fmt::runtime(kTablesSql), kUserSchema, connection.QuoteLiteral(publication),
                                         kNotNullNotValid, kServiceRoles);
  StatementBatch facts;
  const size_t facts_count = facts.Add(DatabaseFactsStatements()).count;
  const std::vector<PgResult> results = connection.QueryAll(tables + ";" + facts.sql());
  Catalog catalog;
  catalog.server_version = connection.server_version();
  catalog.tables = TablesOf(results, connection.server_version());
  for (int row = 0; row < results[3].rows(); ++row) {
    catalog.sequences.push_back({.oid = results[3].Oid(row, 0),
                                 .schema = results[3].Get(row, 1),
                                 .name = results[3].Get(row, 2),
                                 .quoted_name = results[3].Get(row, 3),
                                 .readable = results[3].Bool(row, 4),
                                 .closed_schema = results[3].Get(row, 5)});
  }
  SortByName(&catalog.sequences);
  for (int row = 0; row < results[4].rows(); ++row) {
    catalog.types[results[4].Oid(row, 0)] = {.fingerprint = results[4].Get(row, 1),
                                             .enums = ParseOids(results[4].Text(row, 3)),
                                             .by_name = results[4].Bool(row, 2)};
  }
  for (int row = 0; row < results[5].rows(); ++row) {
    catalog.enum_labels.push_back(
        {.oid = results[5].Oid(row, 0), .type_oid = results[5].Oid(row, 1), .label = results[5].Get(row, 2)});
  }
  catalog.large_objects = results[6].Int(0, 0);
  catalog.quoted_user = results[6].Get(0, 1);
  catalog.large_object_pages_readable = results[6].Bool(0, 2);
  catalog.large_objects_readable = results[6].Bool(0, 3);
  catalog.user_inherits = results[6].Bool(0, 4);
  catalog.service = ServiceOf(results[6].Text(0, 5));
  for (int row = 0; row < results[7].rows(); ++row) catalog.references.push_back(ReferenceOf(results[7], row));
  catalog.database = ParseDatabaseFacts(std::span(results).last(facts_count), connection);
  return catalog;
}

}  // namespace rotv::postgres
