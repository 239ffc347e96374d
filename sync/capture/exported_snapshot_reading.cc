#include "sync/capture/exported_snapshot_reading.h"

#include <fmt/format.h>

#include "sync/mask/mask_plan.h"
#include "sync/mask/secret.h"
#include "sync/postgres/content_fingerprint.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/locked_reading.h"
#include "sync/postgres/schema_dump.h"
#include "sync/postgres/sequences.h"
#include "sync/postgres/sqlstate.h"
#include "sync/postgres/statement_batch.h"
#include "sync/schema/schema_check.h"

namespace rotv::capture {
namespace {

// True if a statement failed because the schema is no longer the snapshot's, or because another session on the source
// needs the lock more than we do.
bool IsForMovedSchema(const postgres::PgFailure& failure) {
  return postgres::IsForMovedTable(failure) || postgres::IsForBusyTable(failure) ||
         failure.sqlstate == postgres::sqlstate::kUndefinedObject;
}

}  // namespace

ExportedSnapshotReading::ExportedSnapshotReading(postgres::SourceSession& session, postgres::ExportedSnapshotSlot& slot,
                                                 const Before& before, Texts expected)
    : session_(session), slot_(slot), publication_(before.publication), watchdog_(session) {
  // The session's own connection has read the catalogue before: another one would take three times as long.
  postgres::PgConnection& connection = session.connection();
  slot.BeginReading(connection);
  if (expected == Texts::kRead) BeginTexts();
  mask::UnmaskedCatalog unmasked =
      mask::ReadUnmaskedCatalog(connection, session.context(), before.lineage, publication_);
  fingerprint_ = postgres::ReadFingerprint(connection, publication_);
  const std::vector<postgres::PgResult> results = connection.QueryAll(
      "SELECT (extract(epoch FROM now()) * 1000000)::bigint, pg_snapshot_xmin(pg_current_snapshot()), "
      "pg_snapshot_xmax(pg_current_snapshot()); COMMIT");
  const postgres::PgResult& row = results.at(0);
  time_us_ = row.Int(0, 0);
  xid_ = static_cast<uint64_t>(row.Int(0, 1));
  next_xid_ = static_cast<uint64_t>(row.Int(0, 2));
  catalog_ = mask::MaskCatalog(std::move(unmasked), session.context(), before.lineage, &before.sampler);
  schema::DescribedSchema described = schema::DescribeSchema(catalog_, session.context().source, before.shapes);
  schema_ = std::move(described.schema);
  schema_.set_standard_strings(connection.Parameter("standard_conforming_strings") == "on");
  new_shapes_ = std::move(described.new_shapes);
}

std::optional<std::vector<postgres::PgResult>> ExportedSnapshotReading::AskShortly(const std::string& statements) {
  postgres::PgConnection& connection = session_.connection();
  postgres::PgOutcome outcome =
      connection.TryQuery(postgres::SetTransactionSnapshotSql(slot_.snapshot()) + ";" + statements + "COMMIT");
  if (!outcome.failure) {
    outcome.results.pop_back();  // The result of COMMIT; before the answers are the results of BEGIN and SET
                                 // TRANSACTION.
    outcome.results.erase(outcome.results.begin(), outcome.results.begin() + 2);
    return std::move(outcome.results);
  }
  (void)connection.TryQuery("ROLLBACK");
  if (!IsForMovedSchema(*outcome.failure)) connection.Throw(*outcome.failure);
  session_.context().progress.Note("starting over: " + outcome.failure->message);
  return std::nullopt;
}

bool ExportedSnapshotReading::ReadContents() {
  postgres::StatementBatch batch;
  postgres::StatementBatch::Place contents_at = batch.Add(postgres::ContentStatements(schema_));
  postgres::StatementBatch::Place sequences_at = batch.Add(postgres::SequenceStatements(schema_));
  postgres::StatementBatch::Place groups_at = batch.Add({postgres::LargeObjectGroupsSql()});
  std::optional<std::vector<postgres::PgResult>> results = AskShortly(batch.sql());
  if (!results) return false;
  std::optional<std::map<uint32_t, std::string>> content = postgres::ParseContent(contents_at.In(*results));
  if (!content) return false;
  for (proto::Table& table : *schema_.mutable_tables()) {
    if (table.follow() == proto::FOLLOW_COPY) table.set_content(content->at(table.id()));
  }
  sequences_ = postgres::ParseSequences(sequences_at.In(*results));
  postgres::ParseLargeObjectGroups(groups_at.In(*results)[0], &schema_);
  return true;
}

std::optional<std::set<TableId>> ExportedSnapshotReading::WithoutOldRows(const std::vector<const proto::Table*>& tables,
                                                                         uint64_t xid) {
  // A row's xmin has 32 bits. The upper bits are chosen so that the number is below the next transaction's. Rows that
  // were frozen long ago may get too high a number, and then prove nothing.
  std::vector<std::string> statements;
  for (const proto::Table* table : tables) {
    statements.push_back(
        fmt::format("SELECT EXISTS (SELECT FROM ONLY {} WHERE {} - (({} - xmin::text::bigint) & 4294967295) < {}), "
                    "(SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class WHERE oid = {})",
                    table->quoted_name(), next_xid_, next_xid_, xid, table->id()));
  }
  postgres::StatementBatch batch;
  batch.Add(statements);
  std::optional<std::vector<postgres::PgResult>> results = AskShortly(batch.sql());
  if (!results) return std::nullopt;
  std::set<TableId> without;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (!results->at(i).Bool(0, 1)) return std::nullopt;
    if (!results->at(i).Bool(0, 0)) without.insert(tables[i]->id());
  }
  return without;
}

void ExportedSnapshotReading::BeginTexts() {
  dumping_ = std::async(std::launch::async, [this] {
    std::future<postgres::ShownSettings> shown =
        std::async(std::launch::async, [this] { return postgres::ReadServerSettings(session_); });
    Dumped dumped;
    try {
      dumped.sections = postgres::DumpSchema(session_, slot_.snapshot());
    } catch (const Error& error) {
      dumped.failure = error;
    }
    dumped.settings = shown.get();
    return dumped;
  });
}

// Returns false if the schema has changed since the snapshot: pg_dump reads a part of the catalogue as it is now.
bool ExportedSnapshotReading::EndTexts() {
  Dumped dumped = dumping_.get();
  if (postgres::ReadFingerprint(session_.connection(), publication_) != fingerprint_) return false;
  // Since another connection still works, the cause was a migration that pg_dump waited for, or the watchdog, which saw
  // pg_dump block a migration.
  if (dumped.failure && dumped.failure->code() == ErrorCode::kUnreachable) return false;
  if (dumped.failure) throw *dumped.failure;
  if (!dumped.sections) return false;
  SetTexts(dumped.sections->pre_data, dumped.sections->post_data);
  postgres::AddServerSettings(dumped.settings, session_.connection().user(), schema_.mutable_database());
  if (!schema_.large_objects().empty()) {
    std::optional<std::string> drops = postgres::DumpDrops(session_, slot_.snapshot());
    if (!drops || postgres::ReadFingerprint(session_.connection(), publication_) != fingerprint_) return false;
    schema_.set_drops_at(formats::FindDrops(*drops, schema_.pre_data()));
  }
  schema::CheckSchemaTexts(schema_);
  return true;
}

void ExportedSnapshotReading::SetTexts(const std::string& pre_data, const std::string& post_data) {
  schema_.set_pre_data(pre_data);
  schema_.set_post_data(post_data);
  // A text of this form creates the large objects itself.
  if (formats::DumpVersionOf(pre_data) < postgres::kLargeObjectsInGroups) schema_.clear_large_objects();
}

void ExportedSnapshotReading::KeepTextsOf(const proto::SchemaVersion& before) {
  SetTexts(before.pre_data(), before.post_data());
  schema_.set_drops_at(before.drops_at());
  // The fingerprint of the schema covers the settings.
  if (before.has_database()) *schema_.mutable_database() = before.database();
}

bool ExportedSnapshotReading::Read(RowStore& store, const std::set<TableId>& tables, Texts texts, StoreState* state,
                                   CopyCounts* counts) {
  if (texts == Texts::kRead && !dumping_.valid()) BeginTexts();
  CopyRequest request{.schema = schema_,
                      .catalog = catalog_,
                      .tables = tables,
                      .snapshot = slot_.snapshot(),
                      .lsn = slot_.lsn(),
                      .mask_secret = mask::MaskSecretOf(session_.context())};
  if (CopyTables(session_, store, request, state, counts) == CopyEnd::kTableMoved) return false;
  if (texts == Texts::kRead && !EndTexts()) return false;
  return tables.empty() || TablesAreUnchanged();
}

// COPY looks names up in the catalogue as it is now: two columns that exchanged their names would have been copied as
// each other.
bool ExportedSnapshotReading::TablesAreUnchanged() {
  return postgres::ReadFingerprint(session_.connection(), publication_).tables == fingerprint_.tables;
}

bool ExportedSnapshotReading::CompleteBaseline(RowStore& store, StoreState* state, CopyCounts* counts) {
  if (!dumping_.valid()) BeginTexts();
  const auto& waiting = state->manifest().must_copy();
  const std::set<TableId> tables(waiting.begin(), waiting.end());
  const CopyEnd end = CopyTables(session_, store,
                                 {.schema = schema_,
                                  .catalog = catalog_,
                                  .tables = tables,
                                  .snapshot = slot_.snapshot(),
                                  .lsn = lsn(),
                                  .mask_secret = mask::MaskSecretOf(session_.context()),
                                  .unchanged = [this] { return TablesAreUnchanged(); }},
                                 state, counts);
  if (end == CopyEnd::kTableMoved || !EndTexts()) return false;
  state->EndBaseline(store.DiskBytes());
  RowStore::Addition addition;
  addition.schema = {lsn(), schema_};
  addition.sequences = {lsn(), sequences_};
  store.Publish(*state, addition);
  return true;
}

}  // namespace rotv::capture
