#include "sync/capture/publication.h"

#include <fmt/format.h>

#include <map>

#include "storage/error.h"
#include "sync/postgres/sqlstate.h"
#include "sync/schema/follow.h"

namespace rotv::capture {
namespace {

// While we hold the locks on some tables, we wait for those on others: so briefly that no migration can be in a
// deadlock with us for as long as the server takes to look for one (deadlock_timeout, a second), and then cancel the
// migration.
constexpr int kLockTimeoutMs = 250;
constexpr int kMostPublicationTries = 10;

constexpr const char* kOptions = "publish = 'insert, update, delete, truncate', publish_via_partition_root = false";
constexpr int kKnowsGeneratedColumns = 180000;

// The options of our publication. Values of generated columns are computed where a seed is imported: with them a row of
// the stream has columns that a stored row has not.
std::string OptionsFor(const postgres::PgConnection& connection) {
  return std::string(kOptions) +
         (connection.server_version() < kKnowsGeneratedColumns ? "" : ", publish_generated_columns = none");
}

std::string OnlyList(const std::map<uint32_t, std::string>& tables) {
  std::string list;
  for (const auto& [oid, name] : tables) list += (list.empty() ? "ONLY " : ", ONLY ") + name;
  return list;
}

std::map<uint32_t, std::string> StreamedTablesOf(const proto::SchemaVersion& schema) {
  std::map<uint32_t, std::string> tables;
  for (const proto::Table& table : schema.tables()) {
    if (schema::IsStreamed(table)) tables[table.id()] = table.quoted_name();
  }
  return tables;
}

// Runs the statement in a transaction, and tries again if a lock could not be acquired. Returns false if it names a
// table that is no longer there.
bool Commit(postgres::PgConnection& connection, const std::string& statement) {
  const std::string sql = fmt::format("BEGIN; SET LOCAL lock_timeout = {}; {}; COMMIT", kLockTimeoutMs, statement);
  for (int attempt = 1;; ++attempt) {
    postgres::PgOutcome outcome = connection.TryQuery(sql);
    if (!outcome.failure) return true;
    (void)connection.TryQuery("ROLLBACK");
    const std::string& state = outcome.failure->sqlstate;
    if (state == postgres::sqlstate::kUndefinedTable || state == postgres::sqlstate::kInvalidSchemaName) return false;
    if (!postgres::IsForLock(*outcome.failure) || attempt == kMostPublicationTries) connection.Throw(*outcome.failure);
  }
}

}  // namespace

bool CreatePublication(postgres::PgConnection& connection, const std::string& name,
                       const proto::SchemaVersion& schema) {
  std::string list = OnlyList(StreamedTablesOf(schema));
  return Commit(connection, fmt::format("CREATE PUBLICATION {}{} WITH ({})", connection.QuoteIdentifier(name),
                                        list.empty() ? "" : " FOR TABLE " + list, OptionsFor(connection)));
}

bool AdjustPublication(postgres::PgConnection& connection, const std::string& name,
                       const proto::SchemaVersion& schema) {
  std::string quoted = connection.QuoteIdentifier(name);
  postgres::PgResult rows = connection.Query(
      fmt::format("SELECT r.prrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), "
                  "p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND NOT p.pubviaroot AND "
                  "coalesce(to_jsonb(p)->>'pubgencols', 'n') = 'n', "
                  "coalesce(to_jsonb(r)->>'prqual', to_jsonb(r)->>'prattrs') IS NULL "
                  "FROM pg_publication p LEFT JOIN (pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid "
                  "JOIN pg_namespace n ON n.oid = c.relnamespace) ON r.prpubid = p.oid WHERE p.pubname = {}",
                  connection.QuoteLiteral(name)));
  if (rows.rows() == 0) {
    throw Error(ErrorCode::kSlotLost, fmt::format("publication {} no longer exists on the source", name),
                "take a new baseline: rotv-sync pull --rebaseline (until then, the stored history can still be "
                "materialized)");
  }
  std::map<uint32_t, std::string> missing = StreamedTablesOf(schema);
  std::map<uint32_t, std::string> unwanted;
  for (int row = 0; row < rows.rows(); ++row) {
    if (rows.IsNull(row, 0)) continue;
    // A table with a row filter or a column list, which somebody else has given it in the publication, is dropped and
    // added again.
    bool whole = rows.Bool(row, 3);
    if (!whole || missing.erase(rows.Oid(row, 0)) == 0) unwanted[rows.Oid(row, 0)] = rows.Get(row, 1);
  }
  if (!rows.Bool(0, 2))
    Commit(connection, fmt::format("ALTER PUBLICATION {} SET ({})", quoted, OptionsFor(connection)));
  // Tables are dropped first, by themselves: that frees a table on which the server refuses UPDATE and DELETE.
  if (!unwanted.empty() &&
      !Commit(connection, fmt::format("ALTER PUBLICATION {} DROP TABLE {}", quoted, OnlyList(unwanted)))) {
    return false;
  }
  return missing.empty() ||
         Commit(connection, fmt::format("ALTER PUBLICATION {} ADD TABLE {}", quoted, OnlyList(missing)));
}

std::string DropFromPublicationSql(const std::string& publication, const std::string& quoted_table) {
  return fmt::format("ALTER PUBLICATION {} DROP TABLE ONLY {};", publication, quoted_table);
}

}  // namespace rotv::capture
