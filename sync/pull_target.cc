#include "sync/pull_target.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "sync/source_session.h"

namespace rotv {
namespace {

constexpr uint64_t kPageBytes = 8192;
constexpr uint64_t kPageHeaderBytes = 24;
constexpr uint64_t kSegmentHeaderBytes = 40;

constexpr const char* kNewBaseline =
    "take a new baseline: rotv-sync baseline --force (until then, what is stored can still be materialized)";

[[noreturn]] void ThrowMoved(const std::string& what) { throw Error(ErrorCode::kSlotLost, what, kNewBaseline); }

void CheckIdentity(const PgResult& row, const proto::SourceIdentity& known) {
  if (static_cast<uint64_t>(row.Int(0, 0)) != known.system_id()) {
    ThrowMoved("the source is another PostgreSQL cluster than that of the baseline");
  }
  if (row.Oid(0, 1) != known.timeline()) {
    ThrowMoved(fmt::format("the source is on timeline {}, the baseline on {}: there was a failover or a restore",
                           row.Oid(0, 1), known.timeline()));
  }
  if (row.Oid(0, 2) != known.database_oid()) {
    ThrowMoved(fmt::format("database {} was dropped and made anew since the baseline", known.database()));
  }
}

void CheckSlot(const PgResult& row, const proto::Manifest& manifest) {
  if (row.IsNull(0, 3)) ThrowMoved(fmt::format("replication slot {} is gone from the source", manifest.slot()));
  std::string wal_status = row.Get(0, 4);
  if (wal_status == "lost") {
    ThrowMoved(fmt::format("the source has removed log that replication slot {} needed (max_slot_wal_keep_size)",
                           manifest.slot()));
  }
  std::optional<Lsn> confirmed = Lsn::Parse(row.Text(0, 5));
  if (!confirmed) throw Error(ErrorCode::kProtocol, "the source named no position for the replication slot");
  if (*confirmed > Lsn(manifest.durable_lsn())) {
    ThrowMoved(fmt::format("replication slot {} stands at {}, ahead of the store at {}: somebody else has used it",
                           manifest.slot(), confirmed->ToString(), Lsn(manifest.durable_lsn()).ToString()));
  }
}

}  // namespace

Lsn WithoutPageHeader(Lsn insert_lsn, uint64_t segment_bytes) {
  uint64_t value = insert_lsn.value();
  if (value % segment_bytes == kSegmentHeaderBytes) return Lsn(value - kSegmentHeaderBytes);
  if (value % segment_bytes >= kPageBytes && value % kPageBytes == kPageHeaderBytes)
    return Lsn(value - kPageHeaderBytes);
  return insert_lsn;
}

SourceState AskSourceState(PgConnection& connection, const proto::Manifest& manifest) {
  // The position comes last: whatever the others saw commits before it.
  std::vector<PgResult> results = connection.QueryAll(fmt::format(
      "SELECT {}, s.slot_name, s.wal_status, s.confirmed_flush_lsn, current_setting('wal_segment_size') "
      "FROM (SELECT) one LEFT JOIN pg_replication_slots s ON s.slot_name = {};{};"
      "SELECT pg_current_wal_insert_lsn(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "
      "pg_size_bytes(current_setting('wal_segment_size'))",
      kIdentityColumns, connection.QuoteLiteral(manifest.slot()), FingerprintSql(connection, manifest.publication())));
  CheckIdentity(results.at(0), manifest.source());
  CheckSlot(results.at(0), manifest);
  const PgResult& position = results.at(3);
  std::optional<Lsn> insert_lsn = Lsn::Parse(position.Text(0, 0));
  if (!insert_lsn) throw Error(ErrorCode::kProtocol, "the source named no position in its log");
  return {.insert_lsn = WithoutPageHeader(*insert_lsn, static_cast<uint64_t>(position.Int(0, 2))),
          .time_us = position.Int(0, 1),
          .fingerprint = ParseFingerprint(results, 1)};
}

void CheckSchemaUnchanged(const Fingerprint& now, const proto::Manifest& manifest) {
  if (now == Fingerprint{manifest.schema_fingerprint(), manifest.table_fingerprint()}) return;
  throw Error(ErrorCode::kSlotLost,
              "the schema has changed on the source since the last pull, which this version cannot follow yet",
              kNewBaseline);
}

}  // namespace rotv
