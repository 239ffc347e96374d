#include "sync/capture/snapshot_reading.h"

#include <fmt/format.h>

#include "sync/mask/mask_plan.h"
#include "sync/mask/secret.h"
#include "sync/postgres/content_fingerprint.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/locked_reading.h"
#include "sync/postgres/schema_dump.h"
#include "sync/postgres/sequences.h"
#include "sync/postgres/statement_batch.h"
#include "sync/schema/schema_check.h"

namespace rotv {
namespace {

// A statement that failed because the schema is no longer what the snapshot says, or because somebody on the source
// needs the lock more than we do.
bool IsForMovedSchema(const PgFailure& failure) {
  return IsForMovedTable(failure) || IsForBusyTable(failure) || failure.sqlstate == "42704";
}

}  // namespace

SnapshotReading::SnapshotReading(SourceSession& session, SnapshotSlot& slot, const Before& before, Texts expected)
    : session_(session), slot_(slot), publication_(before.publication), reader_(slot.Import()), watchdog_(session) {
  if (expected == Texts::kRead) BeginTexts();
  catalog_ = ReadMaskedCatalog(*reader_, session.context(), before.lineage, publication_, &before.sampler);
  fingerprint_ = ReadFingerprint(*reader_, publication_);
  PgResult row = reader_->Query(
      "SELECT (extract(epoch FROM now()) * 1000000)::bigint, pg_snapshot_xmin(pg_current_snapshot()), "
      "pg_snapshot_xmax(pg_current_snapshot())");
  time_us_ = row.Int(0, 0);
  xid_ = static_cast<uint64_t>(row.Int(0, 1));
  next_xid_ = static_cast<uint64_t>(row.Int(0, 2));
  DescribedSchema described = DescribeSchema(catalog_, session.context().source, before.shapes);
  schema_ = std::move(described.schema);
  schema_.set_standard_strings(reader_->Parameter("standard_conforming_strings") == "on");
  new_shapes_ = std::move(described.new_shapes);
}

std::optional<std::vector<PgResult>> SnapshotReading::AskShortly(const std::string& statements) {
  PgConnection& connection = session_.connection();
  PgOutcome outcome = connection.TryQuery(ImportSnapshotSql(slot_.snapshot()) + ";" + statements + "COMMIT");
  if (!outcome.failure) {
    outcome.results.pop_back();  // Of COMMIT; before the answers are those of BEGIN and SET TRANSACTION.
    outcome.results.erase(outcome.results.begin(), outcome.results.begin() + 2);
    return std::move(outcome.results);
  }
  (void)connection.TryQuery("ROLLBACK");
  if (!IsForMovedSchema(*outcome.failure)) connection.Throw(*outcome.failure);
  session_.context().progress.Note("starting over: " + outcome.failure->message);
  return std::nullopt;
}

bool SnapshotReading::ReadContents() {
  StatementBatch batch;
  StatementBatch::Place contents_at = batch.Add(ContentStatements(schema_));
  StatementBatch::Place sequences_at = batch.Add(SequenceStatements(schema_));
  bool in_groups = session_.connection().server_version() >= kLargeObjectsInGroups;
  StatementBatch::Place groups_at =
      batch.Add(in_groups ? std::vector<std::string>{LargeObjectGroupsSql()} : std::vector<std::string>());
  std::optional<std::vector<PgResult>> results = AskShortly(batch.sql());
  if (!results) return false;
  std::optional<std::map<uint32_t, std::string>> content = ParseContent(contents_at.In(*results));
  if (!content) return false;
  for (proto::Table& table : *schema_.mutable_tables()) {
    if (table.follow() == proto::FOLLOW_COPY) table.set_content(content->at(table.id()));
  }
  sequences_ = ParseSequences(sequences_at.In(*results));
  if (in_groups) ParseLargeObjectGroups(groups_at.In(*results)[0], &schema_);
  return true;
}

std::optional<std::set<TableId>> SnapshotReading::WithoutOldRows(const std::vector<const proto::Table*>& tables,
                                                                 uint64_t xid) {
  // A row's xmin has 32 bits: the upper ones are those with which it is below the next transaction's number. Rows that
  // were frozen long ago may get too high a number, and then prove nothing.
  std::vector<std::string> statements;
  for (const proto::Table* table : tables) {
    statements.push_back(
        fmt::format("SELECT EXISTS (SELECT FROM ONLY {} WHERE {} - (({} - xmin::text::bigint) & 4294967295) < {}), "
                    "(SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class WHERE oid = {})",
                    table->quoted_name(), next_xid_, next_xid_, xid, table->id()));
  }
  StatementBatch batch;
  batch.Add(statements);
  std::optional<std::vector<PgResult>> results = AskShortly(batch.sql());
  if (!results) return std::nullopt;
  std::set<TableId> without;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (!results->at(i).Bool(0, 1)) return std::nullopt;
    if (!results->at(i).Bool(0, 0)) without.insert(tables[i]->id());
  }
  return without;
}

void SnapshotReading::BeginTexts() {
  dumping_ = std::async(std::launch::async, [this] {
    // It sees what is there once the dump has ended.
    std::future<std::unique_ptr<PgConnection>> connecting =
        std::async(std::launch::async, [this] { return session_.Connect(PgConnection::Kind::kOrdinary); });
    Dumped dumped;
    try {
      dumped.sections = DumpSchema(session_, slot_.snapshot());
    } catch (const Error& error) {
      dumped.failure = error;
    }
    dumped.fingerprint = ReadFingerprint(*connecting.get(), publication_);
    return dumped;
  });
}

// False if the schema has changed since the snapshot: pg_dump reads a part of the catalogue as it is now.
bool SnapshotReading::EndTexts() {
  Dumped dumped = dumping_.get();
  if (dumped.fingerprint != fingerprint_) return false;
  // As a connection still works, a migration was in its way, or the watchdog has seen it in a migration's way.
  if (dumped.failure && dumped.failure->code() == ErrorCode::kUnreachable) return false;
  if (dumped.failure) throw *dumped.failure;
  if (!dumped.sections) return false;
  if (!schema_.large_objects().empty()) {
    std::optional<std::string> drops = DumpDrops(session_, slot_.snapshot());
    if (!drops || ReadFingerprint(session_.connection(), publication_) != fingerprint_) return false;
    schema_.set_drops_at(FindDrops(*drops, dumped.sections->pre_data));
  }
  schema_.set_pre_data(dumped.sections->pre_data);
  schema_.set_post_data(dumped.sections->post_data);
  CheckSchemaTexts(schema_);
  return true;
}

bool SnapshotReading::Read(RowStore& store, const std::set<TableId>& tables, Texts texts, proto::Manifest* manifest,
                           CopyCounts* counts) {
  if (texts == Texts::kRead && !dumping_.valid()) BeginTexts();
  CopyRequest request{.schema = schema_,
                      .catalog = catalog_,
                      .tables = tables,
                      .snapshot = slot_.snapshot(),
                      .lsn = slot_.lsn(),
                      .mask_secret = MaskSecretOf(session_.context())};
  if (CopyTables(session_, store, request, manifest, counts) == CopyEnd::kTableMoved) return false;
  if (texts == Texts::kRead && !EndTexts()) return false;
  reader_.reset();  // Its snapshot would hold back the source's vacuum.
  // Names are looked up in the catalogue as it is now: columns that changed places would have been copied as each
  // other.
  return tables.empty() || ReadFingerprint(session_.connection(), publication_).tables == fingerprint_.tables;
}

}  // namespace rotv
