#include "sync/mask/pii_sampler.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/pg_failure.h"
#include "sync/schema/follow.h"

namespace rotv::mask {
namespace {

// These limit one round trip: what is held in memory at once, and how long the answer takes. A value may have
// kCharacters of four bytes each.
constexpr size_t kMostTables = 32, kMostColumns = 64;
// The most attempts to read a locked table.
constexpr int kMostTries = 5;

// Larger values are skipped if the server would have to build the whole text to return its beginning.
constexpr int kLargestBytes = 65536;

bool HasText(const TypeParts& type) {
  return std::any_of(type.parts.begin(), type.parts.end(),
                     [](const TypePart& part) { return part.kind == TypePart::Kind::kText; });
}

// Returns an expression for the beginning of a value's text. A cast to text may be a function of the table's owner,
// which would run with our rights: format calls the type's own output function, which only a superuser can define.
std::string BeginningOf(const PiiColumn& column) {
  const std::string& name = column.column->quoted_name;
  const std::string& type = column.mask->type;
  if (type == "text" || type == "varchar" || type == "bpchar") {
    return fmt::format("pg_catalog.left({}, {})", name, PiiSampler::kCharacters);
  }
  if (type == "bytea") return fmt::format("pg_catalog.substr({}, 1, {})", name, PiiSampler::kCharacters);
  return fmt::format(
      "CASE WHEN pg_catalog.pg_column_size({0}) <= {1} THEN pg_catalog.left(pg_catalog.format('%s', {0}), {2}) END",
      name, kLargestBytes, PiiSampler::kCharacters);
}

// Selects the first rows and, if the table has more blocks than these come from, some of the last ones, which are the
// newest if rows are only added. Neither reads the whole table.
std::string SampleSql(const postgres::CatalogTable& table, const std::string& list) {
  const std::string rows = fmt::format("SELECT {} FROM ONLY {}", list, table.quoted_name);
  if (!table.extension_filter.empty()) {
    return fmt::format("{} {} LIMIT {}", rows, table.extension_filter, PiiSampler::kFirstRows);
  }
  return fmt::format(
      "({0} LIMIT {1}) UNION ALL ({0} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ONLY {4} WHERE ctid >= (SELECT "
      "pg_catalog.format('(%s,0)', CASE WHEN blocks > 16 THEN blocks - 8 ELSE 4294967294 END)::pg_catalog.tid FROM "
      "(SELECT pg_catalog.pg_relation_size({2}) / pg_catalog.current_setting('block_size')::bigint AS blocks) AS size) "
      "ORDER BY ctid DESC LIMIT {3})))",
      rows, PiiSampler::kFirstRows, table.oid, PiiSampler::kLastRows, table.quoted_name);
}

}  // namespace

PiiSampler::PiiSampler(postgres::PgConnection& connection, const Interrupt& interrupt,
                       const proto::SchemaVersion& known)
    : connection_(connection), interrupt_(interrupt) {
  for (const proto::Table& table : known.tables()) {
    if (!schema::HasRows(table)) continue;
    for (const proto::ColumnState& column : table.state().columns()) {
      if (MaskOf(table, column.number()) != nullptr) continue;
      known_.emplace(table.id(), static_cast<int>(column.number()), column.type_oid());
    }
  }
}

std::vector<Suspicion> PiiSampler::Look(const std::vector<PiiColumn>& columns) {
  std::vector<Suspicion> suspicions(columns.size());
  const std::vector<Reading> readings = Readings(columns);
  for (size_t begin = 0, end = 0; begin < readings.size(); begin = end) {
    interrupt_.Check();
    std::string sql;
    for (size_t wide = 0; end < readings.size() && end - begin < kMostTables; ++end) {
      wide += readings[end].columns.size();
      if (end > begin && wide > kMostColumns) break;
      sql += readings[end].sql;
    }
    std::vector<postgres::PgResult> rows = Read(sql);
    // One of the tables has changed.
    const bool together = rows.size() == end - begin;
    for (size_t i = begin; i < end; ++i) {
      if (!together) rows = Read(readings[i].sql);
      if (rows.empty()) continue;
      const postgres::PgResult& sample = together ? rows[i - begin] : rows[0];
      for (size_t field = 0; field < readings[i].columns.size(); ++field) {
        std::vector<std::string> values;
        for (int row = 0; row < sample.rows(); ++row) values.push_back(sample.Get(row, static_cast<int>(field)));
        const size_t at = readings[i].columns[field];
        suspicions[at] = SuspectByValues(values);
        known_.emplace(columns[at].table->oid, columns[at].column->number, columns[at].column->type_oid);
      }
    }
  }
  return suspicions;
}

std::vector<PiiSampler::Reading> PiiSampler::Readings(const std::vector<PiiColumn>& columns) const {
  std::vector<Reading> readings;
  for (size_t begin = 0, end = 0; begin < columns.size(); begin = end) {
    const postgres::CatalogTable& table = *columns[begin].table;
    // A table that cannot be read stops the command elsewhere, with advice.
    const bool readable = table.readable && !table.row_security && table.closed_schema.empty();
    Reading reading;
    std::string list;
    for (; end < columns.size() && columns[end].table == &table && reading.columns.size() < kMostColumns; ++end) {
      const PiiColumn& column = columns[end];
      const bool known = known_.count({table.oid, column.column->number, column.column->type_oid}) != 0;
      if (!readable || known || !HasText(*column.type)) continue;
      list += (list.empty() ? "" : ", ") + BeginningOf(column);
      reading.columns.push_back(end);
    }
    if (reading.columns.empty()) continue;
    reading.sql = fmt::format("BEGIN READ ONLY; {}; COMMIT;", SampleSql(table, list));
    readings.push_back(std::move(reading));
  }
  return readings;
}

// Returns the samples; none if a table, or a column of it, no longer exists as it was.
std::vector<postgres::PgResult> PiiSampler::Read(const std::string& sql) {
  postgres::PgOutcome outcome = connection_.TryQuery(sql);
  // A migration holds the table, or wanted it while we read it.
  for (int attempt = 1; outcome.failure && postgres::IsForBusyTable(*outcome.failure) && attempt < kMostTries;
       ++attempt) {
    interrupt_.Check();
    (void)connection_.TryQuery("ROLLBACK");
    outcome = connection_.TryQuery(sql);
  }
  if (outcome.failure) {
    (void)connection_.TryQuery("ROLLBACK");
    if (postgres::IsForMovedTable(*outcome.failure)) return {};
    if (!postgres::IsForBusyTable(*outcome.failure)) connection_.Throw(*outcome.failure);
    throw Error(ErrorCode::kUnreachable, "a table stays locked on the source, so no sample of it can be read",
                "try again when the migration on the source has ended: " + outcome.failure->message);
  }
  std::vector<postgres::PgResult> samples;
  // Each sample is between the results of BEGIN and COMMIT.
  for (size_t i = 1; i < outcome.results.size(); i += 3) samples.push_back(std::move(outcome.results[i]));
  return samples;
}

}  // namespace rotv::mask
