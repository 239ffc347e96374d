#include "sync/postgres/exported_snapshot_slot.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "storage/error.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/exported_snapshot_guard.h"
#include "sync/postgres/sqlstate.h"

namespace rotv::postgres {
namespace {

int LockTimeoutMs(ExportedSnapshotSlot::Lifetime lifetime) {
  return lifetime == ExportedSnapshotSlot::Lifetime::kPermanent ? 30000 : 10000;
}

struct Blockers {
  std::string names;   // Descriptions for messages; empty if nothing blocks.
  std::string remedy;  // The statements that end them.
};

// The sessions and prepared transactions that `pid` waits for.
Blockers BlockersOf(PgConnection& connection, int pid) {
  PgResult rows = connection.Query(
      fmt::format("SELECT b.pid, coalesce(a.usename, ''), coalesce(nullif(a.application_name, ''), 'unnamed'), "
                  "coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0), "
                  "(SELECT string_agg(quote_literal(gid), ', ') FROM pg_prepared_xacts), "
                  "(SELECT string_agg(format('ROLLBACK PREPARED %L;', gid), ' ') FROM pg_prepared_xacts) "
                  "FROM unnest(pg_blocking_pids({})) b(pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid",
                  pid));
  Blockers blockers;
  for (int row = 0; row < rows.rows(); ++row) {
    if (!blockers.names.empty()) blockers.names += "; ";
    if (!blockers.remedy.empty()) blockers.remedy += " ";
    if (rows.Int(row, 0) == 0) {
      blockers.names += "a prepared transaction: " + rows.Get(row, 4);
      blockers.remedy += rows.Get(row, 5);
    } else {
      blockers.names += fmt::format("process {} ({}, {}), in a transaction for {} s", rows.Text(row, 0),
                                    rows.Text(row, 1), rows.Text(row, 2), rows.Text(row, 3));
      blockers.remedy += fmt::format("SELECT pg_terminate_backend({});", rows.Text(row, 0));
    }
  }
  return blockers;
}

[[noreturn]] void ThrowNoSlot(PgConnection& connection, const PgFailure& failure, const Blockers& blockers) {
  if (failure.sqlstate == sqlstate::kLockNotAvailable) {
    throw Error(ErrorCode::kUnreachable,
                fmt::format("a transaction on the source stayed open too long{}",
                            blockers.names.empty() ? "" : ": " + blockers.names),
                "try again when it has ended" + (blockers.remedy.empty() ? "" : ", or end it: " + blockers.remedy));
  }
  if (failure.message.find("replication slots are in use") != std::string::npos) {
    throw Error(
        ErrorCode::kRefused, "the source has no free replication slot: " + failure.message,
        "on the source: ALTER SYSTEM SET max_replication_slots = 20; then restart it, or drop a slot that is not "
        "needed: SELECT slot_name, active FROM pg_replication_slots;");
  }
  if (failure.message.find("wal_level") != std::string::npos) {
    throw Error(ErrorCode::kRefused, "the source's WAL lacks what logical replication needs: " + failure.message,
                "on the source: ALTER SYSTEM SET wal_level = logical; then restart it");
  }
  if (IsForPrivilege(failure) || failure.message.find("pgoutput") != std::string::npos) {
    throw Error(
        ErrorCode::kRefused, "the source refused a replication slot: " + failure.message,
        "the role needs REPLICATION (ALTER ROLE … REPLICATION;), and the server must allow the plugin pgoutput");
  }
  connection.Throw(failure);
}

}  // namespace

std::string SetTransactionSnapshotSql(const std::string& snapshot) {
  return fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'", snapshot);
}

ExportedSnapshotSlot::ExportedSnapshotSlot(SourceSession& session, const std::string& name, Lifetime lifetime)
    : session_(session), connection_(session.Connect(PgConnection::Kind::kReplication, LockTimeoutMs(lifetime))) {
  session.EndSessionsWhenSilent();
  const char* export_option = connection_->server_version() >= 150000 ? "(SNAPSHOT 'export')" : "EXPORT_SNAPSHOT";
  std::string command =
      fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput {}", connection_->QuoteIdentifier(name),
                  lifetime == Lifetime::kTemporary ? " TEMPORARY" : "", export_option);
  // Creating a slot waits for all open transactions that write; meanwhile the other connection asks which these are.
  std::future<PgOutcome> creation = std::async(std::launch::async, [&] { return connection_->TryQuery(command); });
  Blockers blockers;
  try {
    while (creation.wait_for(std::chrono::seconds(1)) != std::future_status::ready) {
      Blockers now = BlockersOf(session.connection(), connection_->backend_pid());
      if (now.names.empty()) continue;
      session.context().progress.Detail("waiting for " + now.names);
      if (now.remedy != blockers.remedy) session.context().progress.Note("waiting for " + now.names);
      blockers = now;
    }
  } catch (...) {
    connection_->Cancel();
    throw;
  }
  PgOutcome outcome = [&] {
    try {
      return creation.get();
    } catch (...) {
      connection_->Cancel();  // Otherwise the server would keep waiting, with the slot, until lock_timeout.
      throw;
    }
  }();
  session.context().progress.Detail("");
  if (outcome.failure) ThrowNoSlot(*connection_, *outcome.failure, blockers);
  const PgResult& slot = outcome.results.back();
  std::optional<Lsn> lsn = Lsn::Parse(slot.Text(0, 1));
  if (!lsn) throw Error(ErrorCode::kProtocol, "the source gave no LSN for its new slot");
  lsn_ = *lsn;
  snapshot_ = slot.Get(0, 2);
}

void ExportedSnapshotSlot::BeginReading(PgConnection& connection) {
  const std::string begin = SetTransactionSnapshotSql(snapshot_);
  WaitUntilExportedSnapshotIsSafe(connection, begin, session_.context().interrupt);
  connection.QueryAll(begin);
}

std::unique_ptr<PgConnection> ExportedSnapshotSlot::Import() {
  std::unique_ptr<PgConnection> importing = session_.Connect(PgConnection::Kind::kOrdinary);
  BeginReading(*importing);
  return importing;
}

HeldExportedSnapshot HoldExportedSnapshot(ExportedSnapshotSlot& slot) {
  HeldExportedSnapshot held{.holder = slot.Import(), .name = "", .lsn = slot.lsn()};
  held.name = held.holder->Query("SELECT pg_export_snapshot()").Get(0, 0);
  return held;
}

}  // namespace rotv::postgres
