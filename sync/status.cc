#include "sync/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/pull_target.h"
#include "sync/context/open_workspace.h"
#include "sync/postgres/found_objects.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/standby.h"
#include "sync/schema/follow.h"
#include "sync/unfinished_baseline.h"

namespace rotv {
namespace {

// On a standby: of the slot that it has had since it was the primary. One that is synchronized belongs to its primary.
std::optional<SlotStatus> AskSlot(postgres::PgConnection& connection, const proto::Manifest& manifest,
                                  const proto::OwnedObjects& objects) {
  const bool standby = postgres::IsStandby(connection);
  const char* end = standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_lsn()";
  postgres::PgResult row =
      connection.Query(fmt::format("SELECT wal_status, greatest(pg_wal_lsn_diff({0}, restart_lsn), 0)::bigint, "
                                   "greatest(pg_wal_lsn_diff({0}, '{1}'), 0)::bigint, coalesce(age(catalog_xmin), 0), "
                                   "coalesce(to_jsonb(s) ->> 'synced', '') = 'true' "
                                   "FROM pg_replication_slots s WHERE slot_name = {2}",
                                   end, Lsn(manifest.head_lsn()).ToString(), connection.QuoteLiteral(objects.slot())));
  SlotStatus status{.slot = objects.slot(),
                    .publication = objects.publication(),
                    .wal_status = "missing",
                    .removal = standby ? postgres::SlotRemovalSql(objects.slot()) : postgres::RemovalSql(objects)};
  if (standby && (row.rows() == 0 || row.Bool(0, 4))) return std::nullopt;
  if (!standby) status.new_baseline = capture::WhyNewBaseline(connection, manifest);
  if (row.rows() == 0) return status;
  status.wal_status = row.Get(0, 0);
  if (!row.IsNull(0, 1)) status.wal_held_bytes = static_cast<uint64_t>(row.Int(0, 1));
  status.pending_bytes = static_cast<uint64_t>(row.Int(0, 2));
  status.catalog_xmin_age = row.Int(0, 3);
  return status;
}

void Describe(const RowStore& store, StatusReport* report) {
  const proto::Manifest& manifest = store.manifest();
  report->has_baseline = true;
  report->source = manifest.description();
  report->system = fmt::format("PostgreSQL {}.{}, database {}", manifest.source().server_version() / 10000,
                               manifest.source().server_version() % 10000, manifest.source().database());
  report->baseline_lsn = Lsn(manifest.baseline_lsn());
  report->baseline_time_us = manifest.baseline_time_us();
  report->head_lsn = Lsn(manifest.head_lsn());
  report->head_time_us = manifest.head_time_us();
  report->store_bytes = store.DiskBytes();
  report->detached = manifest.detached();
  proto::SchemaVersion schema = store.SchemaAt(report->head_lsn);
  for (const proto::Table& table : schema.tables()) {
    if (table.id() == postgres::kLargeObjectTable) continue;
    report->tables.push_back({table.quoted_name(), schema::FollowText(table.follow(), table.follow_reason()),
                              schema::IsStreamed(table) ? "" : table.follow_reason()});
  }
}

UnfinishedStatus DescribeUnfinished(const Workspace& workspace, const RowStore& store) {
  const BaselineProgress progress = ProgressOf(store);
  return {.begun = BegunText(*workspace.unfinished()),
          .begun_us = workspace.unfinished()->begun_us(),
          .tables = progress.tables,
          .tables_complete = progress.complete,
          .store_bytes = store.DiskBytes(),
          .ways_on = WaysOnText(workspace),
          .slot = std::nullopt};
}

// Removes what it can. Objects elsewhere that stay are recorded; those on this server perhaps not.
std::vector<postgres::Leftover> FindLeftovers(postgres::SourceSession& session, Workspace& workspace,
                                              const std::vector<std::string>& configured) {
  postgres::Removal removal = postgres::RemoveLeftovers(session, workspace, postgres::Reach::kSession);
  for (const std::string& removed : removal.removed) {
    session.context().progress.Note("removed from the source: " + removed);
  }
  std::vector<postgres::Leftover> leftovers = std::move(removal.left);
  for (postgres::Leftover& found :
       postgres::LeftoversAmong(postgres::FindObjects(session, postgres::Scope::kThisDatabase), configured)) {
    const bool known = std::any_of(leftovers.begin(), leftovers.end(),
                                   [&](const postgres::Leftover& other) { return other.what == found.what; });
    if (!known) leftovers.push_back(std::move(found));
  }
  return leftovers;
}

}  // namespace

StatusReport Status(const Context& context, AskSource ask, const std::vector<std::string>& configured) {
  StatusReport report;
  if (!HasRecords(context.home, context.source.name) && ask == AskSource::kNo) return report;
  Workspace workspace = OpenWorkspace(context, "status", ask == AskSource::kNo ? Access::kRead : Access::kWrite);
  std::unique_ptr<RowStore> store;
  if (workspace.current()) {
    store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
    Describe(*store, &report);
  }
  std::unique_ptr<RowStore> unfinished;
  if (workspace.unfinished()) {
    unfinished = RowStore::Open(workspace.UnfinishedStorePath(), RowStore::Mode::kReadOnly);
    report.unfinished = DescribeUnfinished(workspace, *unfinished);
  }
  // Without a baseline there may still be objects to remove: those of a killed baseline, or some that no record has.
  if (ask == AskSource::kNo || context.source.imported) return report;
  try {
    postgres::SourceSession session(context, workspace.RunDirectory());
    report.standby = postgres::IsStandby(session.connection());
    if (!report.standby && unfinished) RemoveLostUnfinished(session, workspace, *unfinished);
    if (!workspace.unfinished()) report.unfinished.reset();
    if (report.unfinished) {
      report.unfinished->slot =
          AskSlot(session.connection(), unfinished->manifest(), workspace.unfinished()->objects());
    }
    if (!report.standby) report.leftovers = FindLeftovers(session, workspace, configured);
    if (store != nullptr && !report.detached) {
      report.slot = AskSlot(session.connection(), store->manifest(), workspace.current()->objects());
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnreachable && error.code() != ErrorCode::kRefused) throw;
    report.unreachable = error.what();
  }
  return report;
}

}  // namespace rotv
