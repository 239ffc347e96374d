#include "sync/capture/pull_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "storage/error.h"
#include "sync/postgres/lost_slot.h"
#include "sync/postgres/sequences.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {
namespace {

constexpr uint64_t kPageBytes = 8192;
constexpr uint64_t kPageHeaderBytes = 24;
constexpr uint64_t kSegmentHeaderBytes = 40;

constexpr const char* kNewBaseline =
    "take a new baseline: rotv-sync pull --rebaseline (until then, the stored history can still be materialized)";

// A commit record is in the WAL a moment before its transaction is seen to have ended.
constexpr auto kCommitTimeout = std::chrono::milliseconds(500);
constexpr auto kCommitPause = std::chrono::milliseconds(20);

// The row's columns: kIdentityColumns, then those of the slot, and the end of the WAL.
std::string Question(const postgres::PgConnection& connection, const proto::Manifest& manifest) {
  return fmt::format(
      "SELECT {}, s.slot_name, s.wal_status, s.confirmed_flush_lsn, "
      "coalesce(s.plugin = 'pgoutput' AND s.database = current_database(), false), {}, pg_current_wal_insert_lsn() "
      "FROM (SELECT) one LEFT JOIN pg_replication_slots s ON s.slot_name = {}",
      postgres::kIdentityColumns, postgres::kInvalidationReason, connection.QuoteLiteral(manifest.slot()));
}

// Empty if it is the database of the baseline, on the same timeline.
std::string MovedIdentity(const postgres::PgResult& row, const proto::SourceIdentity& known) {
  if (static_cast<uint64_t>(row.Int(0, 0)) != known.system_id()) {
    return "the source is not the PostgreSQL cluster of the baseline";
  }
  if (row.Oid(0, 1) != known.timeline()) {
    return fmt::format("the source is on timeline {}, the baseline on {}: there was a failover or a restore",
                       row.Oid(0, 1), known.timeline());
  }
  if (row.Oid(0, 2) != known.database_oid()) {
    return fmt::format("database {} was dropped and created again since the baseline", known.database());
  }
  return "";
}

// Empty if the slot lacks nothing.
std::string MovedSlot(const postgres::PgResult& row, const proto::Manifest& manifest) {
  const std::string& slot = manifest.slot();
  if (row.IsNull(0, 3)) return fmt::format("replication slot {} no longer exists on the source", slot);
  if (!row.Bool(0, 6)) return fmt::format("replication slot {} on the source is another one of the same name", slot);
  if (row.Get(0, 4) == "lost") return postgres::LostSlotText(slot, row.Get(0, 7));
  const std::optional<Lsn> confirmed = Lsn::Parse(row.Text(0, 5));
  if (!confirmed) throw Error(ErrorCode::kProtocol, "the source reported no position for the replication slot");
  const Lsn durable(manifest.durable_lsn());
  if (*confirmed <= durable) return "";
  return fmt::format("replication slot {} is at {}, ahead of the store at {}: something else has used it", slot,
                     confirmed->ToString(), durable.ToString());
}

Lsn InsertLsn(const postgres::PgResult& row, int column) {
  const std::optional<Lsn> insert_lsn = Lsn::Parse(row.Text(0, column));
  if (!insert_lsn) throw Error(ErrorCode::kProtocol, "the source reported no position in its WAL");
  return *insert_lsn;
}

// Empty if the source still has everything that the store lacks. `row` answers Question().
std::string MovedText(const postgres::PgResult& row, const proto::Manifest& manifest) {
  if (std::string moved = MovedIdentity(row, manifest.source()); !moved.empty()) return moved;
  if (std::string moved = MovedSlot(row, manifest); !moved.empty()) return moved;
  // The source had flushed what is stored before it was sent: no crash of the source loses it.
  const Lsn durable(manifest.durable_lsn());
  const Lsn end = InsertLsn(row, 8);
  if (end >= durable) return "";
  return fmt::format("the source has gone back to an earlier state: its WAL ends at {}, the store is at {}",
                     end.ToString(), durable.ToString());
}

// Parses numbers with a space after each, as PostgreSQL shows transactions: the lower 32 bits.
std::set<uint32_t> XidsOf(std::string_view text) {
  std::set<uint32_t> xids;
  uint32_t xid = 0;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    at = std::from_chars(at, end, xid).ptr;
    xids.insert(xid);
  }
  return xids;
}

}  // namespace

Lsn WithoutPageHeader(Lsn insert_lsn, uint64_t segment_bytes) {
  uint64_t value = insert_lsn.value();
  if (value % segment_bytes == kSegmentHeaderBytes) return Lsn(value - kSegmentHeaderBytes);
  if (value % segment_bytes >= kPageBytes && value % kPageBytes == kPageHeaderBytes)
    return Lsn(value - kPageHeaderBytes);
  return insert_lsn;
}

SourceState AskSourceState(postgres::PgConnection& connection, const proto::Manifest& manifest) {
  // The position is read after everything that was seen, which therefore commits before it; the next transaction's
  // number is read last: from there on, transactions commit after the position.
  postgres::StatementBatch batch;
  batch.Add({Question(connection, manifest)});
  postgres::StatementBatch::Place fingerprint_at =
      batch.Add(postgres::FingerprintStatements(connection, manifest.publication()));
  postgres::StatementBatch::Place position_at =
      batch.Add({"SELECT pg_current_wal_insert_lsn(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "
                 "pg_size_bytes(current_setting('wal_segment_size'))",
                 "SELECT pg_snapshot_xmax(pg_current_snapshot())"});
  std::vector<postgres::PgResult> results = connection.QueryAll(batch.sql());
  if (const std::string moved = MovedText(results.at(0), manifest); !moved.empty()) {
    throw Error(ErrorCode::kSlotLost, moved, kNewBaseline);
  }
  std::span<const postgres::PgResult> position = position_at.In(results);
  return {.insert_lsn = WithoutPageHeader(InsertLsn(position[0], 0), static_cast<uint64_t>(position[0].Int(0, 2))),
          .time_us = position[0].Int(0, 1),
          .fingerprint = postgres::ParseFingerprint(fingerprint_at.In(results)),
          .next_xid = static_cast<uint64_t>(position[1].Int(0, 0))};
}

std::string WhyNewBaseline(postgres::PgConnection& connection, const proto::Manifest& manifest) {
  return MovedText(connection.Query(Question(connection, manifest)), manifest);
}

UnchangedCheck::UnchangedCheck(postgres::PgConnection& connection, const proto::Manifest& manifest,
                               const proto::SchemaVersion& schema, const SourceState& target)
    : connection_(connection), manifest_(manifest), schema_(schema), target_(target) {}

// Asks whether transactions that were in progress when the target was fixed, and still are, have committed before it,
// so that they belong to the state at the target without being visible yet. Those that are idle or prepared have not
// committed; the others end within a moment if they have, unless they wait for a standby.
UnchangedCheck::Doubt UnchangedCheck::DoubtOf(const postgres::PgResult& row) const {
  if (row.Bool(0, 2)) return Doubt::kStandby;
  postgres::TransactionSnapshot snapshot = postgres::TransactionSnapshot::Parse(row.Text(0, 0));
  std::set<uint32_t> open = XidsOf(row.Text(0, 1));
  bool wait = std::any_of(snapshot.in_progress.begin(), snapshot.in_progress.end(), [&](uint64_t xid) {
    return xid < target_.next_xid && open.count(static_cast<uint32_t>(xid)) == 0;
  });
  return wait ? Doubt::kWait : Doubt::kNone;
}

std::optional<UnchangedCheck::Head> UnchangedCheck::Ask() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline = Clock::now() + kCommitTimeout;
  postgres::StatementBatch batch;
  // This comes first: what is seen to have ended here is visible to all statements after it.
  postgres::StatementBatch::Place doubt_at = batch.Add(
      {"SELECT pg_current_snapshot(), concat((SELECT string_agg(backend_xid || ' ', '') FROM pg_stat_activity WHERE "
       "backend_xid IS NOT NULL AND state LIKE 'idle in transaction%'), (SELECT string_agg(transaction || ' ', '') "
       "FROM "
       "pg_prepared_xacts)), EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'), "
       "pg_snapshot_xmin(pg_current_snapshot())"});
  postgres::StatementBatch::Place fingerprint_at =
      batch.Add(postgres::FingerprintStatements(connection_, manifest_.publication()));
  postgres::StatementBatch::Place sequences_at = batch.Add(postgres::SequenceStatements(schema_));
  postgres::StatementBatch::Place contents_at = batch.Add(postgres::ContentStatements(schema_));
  for (;;) {
    postgres::PgOutcome outcome = connection_.TryQuery(batch.sql());
    if (outcome.failure) return std::nullopt;  // Something that it reads was dropped, or is locked by a migration.
    const postgres::PgResult& doubt_row = doubt_at.In(outcome.results)[0];
    Doubt doubt = DoubtOf(doubt_row);
    if (doubt == Doubt::kStandby) return std::nullopt;
    postgres::Fingerprint fingerprint = postgres::ParseFingerprint(fingerprint_at.In(outcome.results));
    if (fingerprint != postgres::Fingerprint{manifest_.schema_fingerprint(), manifest_.table_fingerprint()})
      return std::nullopt;
    std::optional<std::map<uint32_t, std::string>> content = postgres::ParseContent(contents_at.In(outcome.results));
    if (!content) return std::nullopt;
    for (const proto::Table& table : schema_.tables()) {
      if (table.follow() == proto::FOLLOW_COPY && content->at(table.id()) != table.content()) return std::nullopt;
    }
    if (doubt == Doubt::kNone || Clock::now() > deadline) {
      return Head{.sequences = postgres::ParseSequences(sequences_at.In(outcome.results)),
                  .xid = static_cast<uint64_t>(doubt_row.Int(0, 3))};
    }
    std::this_thread::sleep_for(kCommitPause);
  }
}

}  // namespace rotv::capture
