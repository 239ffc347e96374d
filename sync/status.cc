#include "sync/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/temporary_directory.h"
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
          .slot = std::nullopt,
          .at_work = {}};
}

// True if an earlier run has left something that the next one removes.
bool HasLeftovers(const Context& context, const Workspace& workspace) {
  if (workspace.unfinished() || !workspace.Leftovers().empty()) return true;
  const std::vector<StoreDirectory> stores = StoresOf(context.home, context.source.name, workspace.current());
  return std::any_of(stores.begin(), stores.end(), [](const StoreDirectory& store) {
    return store.role == StoreDirectory::Role::kObsolete || store.role == StoreDirectory::Role::kUnfinished;
  });
}

// Takes the lock if no other run has it; else says in `*holder` which one has it.
std::optional<Workspace> TryToWrite(const Context& context, std::string* holder) {
  try {
    return Workspace(context.home, context.source.name, "status");
  } catch (const SourceInUse& in_use) {
    *holder = in_use.holder();
    return std::nullopt;
  }
}

// Removes what it can; without `writer` nothing, and then what this source has recorded may belong to a run that is at
// work. Objects elsewhere that stay are recorded; those on this server perhaps not.
std::vector<postgres::Leftover> FindLeftovers(postgres::SourceSession& session, Workspace* writer,
                                              const std::vector<std::string>& configured) {
  std::vector<postgres::Leftover> leftovers;
  if (writer != nullptr) {
    postgres::Removal removal = postgres::RemoveLeftovers(session, *writer, postgres::Reach::kSession);
    for (const std::string& removed : removal.removed) {
      session.context().progress.Note("removed from the source: " + removed);
    }
    leftovers = std::move(removal.left);
  }
  std::vector<postgres::FoundObject> objects = postgres::FindObjects(session, postgres::Scope::kThisDatabase);
  std::erase_if(objects, [&](const postgres::FoundObject& object) {
    return writer == nullptr && object.whose == postgres::FoundObject::Whose::kRecorded &&
           object.source == session.context().source.name;
  });
  for (postgres::Leftover& found : postgres::LeftoversAmong(objects, configured)) {
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
  const Workspace workspace = OpenWorkspace(context, "status", Access::kRead);
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
    if (!context.source.remote.empty()) {
      report.remote = StatusOfRemote(context);
      return report;
    }
    const os::TemporaryDirectory sockets;  // The source's own is that of a run that writes.
    postgres::SourceSession session(context, sockets.path());
    report.standby = postgres::IsStandby(session.connection());
    // What earlier runs have left is removed, but not beside a run that is at work.
    std::optional<Workspace> writer;
    std::string holder;
    if (!report.standby && HasLeftovers(context, workspace)) writer = TryToWrite(context, &holder);
    if (report.unfinished) report.unfinished->at_work = holder;
    if (writer && writer->unfinished() && unfinished) RemoveLostUnfinished(session, *writer, *unfinished);
    if (writer && !writer->unfinished()) report.unfinished.reset();
    if (report.unfinished) {
      report.unfinished->slot =
          AskSlot(session.connection(), unfinished->manifest(), workspace.unfinished()->objects());
    }
    if (!report.standby) {
      report.leftovers = FindLeftovers(session, writer ? &*writer : nullptr, configured);
    }
    if (store != nullptr && !report.detached) {
      report.slot = AskSlot(session.connection(), store->manifest(), workspace.current()->objects());
    }
  } catch (const Error& error) {
    const bool is_source = error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kRefused;
    // A remote may also be empty, or damaged: what is here is reported all the same.
    const bool is_remote =
        !context.source.remote.empty() && (error.code() == ErrorCode::kUsage || error.code() == ErrorCode::kCorrupt);
    if (!is_source && !is_remote) throw;
    report.unreachable = error.what();
  }
  return report;
}

}  // namespace rotv
