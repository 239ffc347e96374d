#include "sync/capture/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "storage/error.h"
#include "sync/capture/privileges.h"
#include "sync/capture/publication.h"
#include "sync/context/link_error.h"
#include "sync/postgres/connect_error.h"
#include "sync/postgres/managed_service.h"
#include "sync/postgres/psql_restrict.h"
#include "sync/postgres/schema_dump.h"
#include "sync/postgres/standby.h"
#include "sync/schema/follow.h"

namespace rotv::capture {
namespace {

using Outcome = Check::Outcome;
using postgres::Service;
using postgres::SettingFix;
using postgres::Takes;

// pgoutput has had everything needed here since 14; majors newer than the newest one that was tested are accepted.
constexpr int kOldestServer = 140000;

Check Ok(const std::string& name, const std::string& message) {
  return {.outcome = Outcome::kOk, .name = name, .message = message};
}
Check Problem(const std::string& name, const std::string& message, const std::string& fix) {
  return {.outcome = Outcome::kProblem, .name = name, .message = message, .fix = fix, .code = ErrorCode::kRefused};
}
Check Warning(const std::string& name, const std::string& message, const std::string& fix) {
  return {.outcome = Outcome::kWarning, .name = name, .message = message, .fix = fix};
}

Check CheckSlots(const postgres::PgResult& row, Service service) {
  int64_t most = row.Int(0, 1);
  int64_t used = row.Int(0, 2);
  std::string message = fmt::format("{} of {} replication slots in use", used, most);
  // One slot stays, and a second one is needed for a moment whenever the schema has changed.
  if (most - used >= 2) return Ok(kSlotsCheck, message);
  std::string fix =
      fmt::format("{}; or drop one that is not needed: SELECT slot_name, active FROM pg_replication_slots;",
                  SettingFix(service, "max_replication_slots", std::to_string(most + 4), Takes::kRestart));
  return most == used ? Problem(kSlotsCheck, message + ": none is free", fix)
                      : Warning(kSlotsCheck, message + ": two should be free", fix);
}

Check CheckSenders(const postgres::PgResult& row, Service service) {
  int64_t most = row.Int(0, 3);
  int64_t used = row.Int(0, 4);
  std::string message = fmt::format("{} of {} WAL senders in use", used, most);
  if (most - used >= 2) return Ok("WAL senders", message);
  std::string fix = SettingFix(service, "max_wal_senders", std::to_string(most + 4), Takes::kRestart);
  return most == used ? Problem("WAL senders", message + ": none is free", fix)
                      : Warning("WAL senders", message + ": two should be free", fix);
}

Check CheckWalLimit(const postgres::PgResult& row, WalLimit wal_limit, Service service) {
  std::string limit = row.Get(0, 5);
  if (limit != "-1") return Ok("max_slot_wal_keep_size", limit);
  std::string message = "unlimited: a forgotten slot would fill the source's disk";
  // A service's settings are numbers, here of megabytes.
  std::string fix =
      SettingFix(service, "max_slot_wal_keep_size", service == Service::kNone ? "'20GB'" : "20480", Takes::kReload);
  if (wal_limit == WalLimit::kUnlimitedAllowed) return Warning("max_slot_wal_keep_size", message, fix);
  return Problem("max_slot_wal_keep_size", message, fix + " or, if you accept that: baseline --allow-unlimited-wal");
}

// Says what a standby lacks, and where its primary is if this role may know.
Check CheckPrimary(postgres::PgConnection& connection) {
  std::string message =
      "the server is a standby: no publication can be made there, and so no slot that reads one, although since 16 a "
      "standby can have slots";
  const postgres::PgOutcome outcome = connection.TryQuery(
      "SELECT sender_host || ':' || sender_port FROM pg_stat_wal_receiver WHERE sender_host IS NOT NULL");
  if (!outcome.failure && outcome.results[0].rows() == 1 && !outcome.results[0].IsNull(0, 0)) {
    message += "; it receives from " + outcome.results[0].Get(0, 0);
  }
  return Problem("primary", message, postgres::kStandbyHint);
}

// The columns of CheckSettings(), after those of CheckSlots(), CheckSenders() and CheckWalLimit().
constexpr const char* kSettingsSql =
    "SELECT current_setting('wal_level'), current_setting('max_replication_slots'), "
    "(SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders'), "
    "(SELECT count(*) FROM pg_stat_replication), current_setting('max_slot_wal_keep_size'), pg_is_in_recovery(), "
    "(SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) OR "
    "EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'USAGE')), "
    "has_database_privilege(current_database(), 'CREATE'), quote_ident(current_user), "
    "quote_ident(current_database()), "
    "coalesce(current_setting('idle_replication_slot_timeout', true), '0'), "  // Since PostgreSQL 18.
    "(SELECT coalesce(string_agg(rolname, ' '), '') FROM pg_roles WHERE rolname IN ({}))";

std::vector<Check> CheckSettings(postgres::PgConnection& connection, WalLimit wal_limit) {
  postgres::PgResult row = connection.Query(fmt::format(fmt::runtime(kSettingsSql), postgres::kServiceRoles));
  const Service service = postgres::ServiceOf(row.Text(0, 12));
  std::vector<Check> checks;
  if (service != Service::kNone) {
    checks.push_back(Ok("service", postgres::ServiceName(service) + ": what is to be done is said in its terms"));
  }
  if (connection.server_version() < kOldestServer) {
    checks.push_back(Problem("server version",
                             fmt::format("PostgreSQL {} is too old", connection.server_version() / 10000),
                             "upgrade the source to PostgreSQL 14 or later"));
  }
  if (row.Bool(0, 6)) checks.push_back(CheckPrimary(connection));
  std::string wal_level = row.Get(0, 0);
  checks.push_back(wal_level == "logical" ? Ok("wal_level", wal_level)
                                          : Problem("wal_level", wal_level + ", but logical is needed",
                                                    SettingFix(service, "wal_level", "logical", Takes::kRestart)));
  checks.push_back(CheckSlots(row, service));
  checks.push_back(CheckSenders(row, service));
  checks.push_back(CheckWalLimit(row, wal_limit, service));
  if (std::string idle = row.Get(0, 11); idle != "0") {
    checks.push_back(
        Warning("idle_replication_slot_timeout",
                idle + ": a slot that no pull has used for so long is lost, and a new baseline is needed",
                "pull more often; or " + SettingFix(service, "idle_replication_slot_timeout", "0", Takes::kReload)));
  }
  std::string user = row.Get(0, 9);
  checks.push_back(row.Bool(0, 7)
                       ? Ok("replication", user + " may replicate")
                       : Problem("replication", user + " may not replicate", postgres::ReplicationFix(service, user)));
  checks.push_back(row.Bool(0, 8) ? Ok("publication", user + " may create a publication")
                                  : Problem("publication", user + " may not create a publication",
                                            fmt::format("GRANT CREATE ON DATABASE {} TO {};", row.Text(0, 10), user)));
  return checks;
}

// Checked by connecting: pg_hba.conf has separate lines for replication, and our connection must match the database's
// name, too.
Check CheckReplicationConnection(postgres::SourceSession& session) {
  try {
    const auto connection = session.Connect(postgres::PgConnection::Kind::kReplication);
    // A pooler may accept the request for replication, and ignore it.
    if (const auto outcome = connection->TryQuery("IDENTIFY_SYSTEM"); outcome.failure) {
      return Problem("replication connection", "accepted, but it does not replicate: " + outcome.failure->message,
                     session.connection().through_pooler() ? postgres::kPoolerHint : "");
    }
    return Ok("replication connection", "accepted");
  } catch (const Error& error) {
    return FailedCheck("replication connection", error);
  }
}

// Adds statements for the unlogged tables that `table` references, each after those that it references itself.
void AddUnloggedReferences(const postgres::Catalog& catalog, uint32_t table, std::set<uint32_t>* seen,
                           std::string* sql) {
  if (!seen->insert(table).second) return;
  for (const postgres::CatalogReference& reference : catalog.references) {
    if (reference.table != table || seen->count(reference.referenced_table) != 0) continue;
    AddUnloggedReferences(catalog, reference.referenced_table, seen, sql);
    for (const postgres::CatalogTable& referenced : catalog.tables) {
      if (referenced.oid != reference.referenced_table || referenced.persistence != 'u') continue;
      *sql += fmt::format("ALTER TABLE {} SET LOGGED; ", referenced.quoted_name);
    }
  }
}

// A logged table may reference no unlogged one: those have to become logged before `table`.
std::string LogReferencedSql(const postgres::Catalog& catalog, uint32_t table) {
  std::set<uint32_t> seen;
  std::string sql;
  AddUnloggedReferences(catalog, table, &seen, &sql);
  return sql;
}

}  // namespace

Check FailedCheck(const std::string& name, const Error& error) {
  if (error.code() == ErrorCode::kInterrupted) throw;
  const auto* link = dynamic_cast<const LinkError*>(&error);
  return {.outcome = Outcome::kProblem,
          .name = name,
          .message = error.what(),
          .fix = error.hint(),
          .code = error.code(),
          .link = link == nullptr ? std::nullopt : std::optional(link->kind())};
}

Check CheckDumpProgram(postgres::SourceSession& session) {
  int server = session.connection().server_version() / 10000;
  try {
    const int version = postgres::DumpProgramVersion(session);
    const int program = version / 10000;
    std::string message = fmt::format("version {} for a server {}", program, server);
    if (program >= server && postgres::HasFixesOfAugust2025(version)) return Ok("pg_dump", message);
    if (program >= server) {
      return {
          .outcome = Outcome::kWarning,
          .name = "pg_dump",
          .message = fmt::format("version {}.{} is open to CVE-2025-8714 and CVE-2025-8715: names with a line break",
                                 program, version % 10000),
          .fix = fmt::format("update it there: apt-get install --only-upgrade postgresql-client-{} (or the like)",
                             program)};
    }
    return Problem("pg_dump", message + ": it is older than the server",
                   fmt::format("install it there: apt-get install postgresql-client-{} (or the like)", server));
  } catch (const Error& error) {
    return FailedCheck("pg_dump", error);
  }
}

std::vector<Check> CheckServer(postgres::SourceSession& session, WalLimit wal_limit) {
  std::vector<Check> checks = CheckSettings(session.connection(), wal_limit);
  bool fit =
      std::none_of(checks.begin(), checks.end(), [](const Check& check) { return check.outcome == Outcome::kProblem; });
  if (!fit) return checks;
  checks.push_back(CheckReplicationConnection(session));
  if (session.connection().through_pooler() && checks.back().outcome == Outcome::kOk) {
    checks.push_back(Warning("connection pooler",
                             "a program between here and the server has connections of its own to it: what it makes of "
                             "sessions that stay open is not known",
                             postgres::kPoolerHint));
  }
  return checks;
}

std::vector<TableReport> ReportTables(const postgres::Catalog& catalog, const SourceConfig& source) {
  std::vector<TableReport> reports;
  for (const postgres::CatalogTable& table : catalog.tables) {
    schema::FollowDecision decision = schema::Decide(table, source);
    TableReport report{.name = table.quoted_name,
                       .follow = schema::FollowText(decision.follow, decision.way),
                       .reason = decision.reason,
                       .rows_estimate = table.rows_estimate,
                       .bytes = table.bytes};
    if (!decision.advice.empty()) {
      report.outcome = Outcome::kWarning;
      report.fix = fmt::format(
          "{}{}; then its changes are streamed. Until then each pull that finds it changed reads the whole "
          "table, and no moment between that pull and the one before can be had",
          table.persistence == 'u' ? LogReferencedSql(catalog, table.oid) : "", decision.advice);
    }
    reports.push_back(report);
  }
  return reports;
}

std::vector<Check> CheckPublished(const postgres::Catalog& catalog, const SourceConfig& source,
                                  const std::string& publication) {
  std::vector<Check> checks;
  for (const postgres::CatalogTable& table : catalog.tables) {
    schema::FollowDecision decision = schema::Decide(table, source);
    bool streamed = decision.follow == proto::FOLLOW_KEY || decision.follow == proto::FOLLOW_BAG;
    if (table.membership.empty() || streamed) continue;
    checks.push_back(Warning("published table",
                             fmt::format("{} is published, but {}: the server refuses UPDATE and DELETE on it",
                                         table.quoted_name, decision.reason),
                             fmt::format("rotv-sync pull drops it from the publication; or on the source, at once: {}",
                                         DropFromPublicationSql(publication, table.quoted_name))));
  }
  if (!checks.empty()) return checks;
  checks.push_back(
      Ok("published tables",
         fmt::format("if a streamed table loses its key, the server refuses UPDATE and DELETE on it until the next "
                     "pull, or until: {}",
                     DropFromPublicationSql(publication.empty() ? "rotv_…" : publication, "its_name"))));
  return checks;
}

std::vector<Check> CheckCatalog(const postgres::Catalog& catalog, const SourceConfig& source) {
  Privileges missing;
  std::set<std::string> names;
  for (const postgres::CatalogTable& table : catalog.tables) {
    names.insert(table.schema + "." + table.name);
    missing.Add(table, schema::Decide(table, source));
  }
  for (const postgres::CatalogSequence& sequence : catalog.sequences) missing.Add(sequence);
  if (!catalog.large_objects_readable) missing.AddLargeObjects();
  std::vector<Check> checks;
  for (const Privileges::Missing& privilege : missing.Listed(catalog)) {
    checks.push_back(Problem(privilege.name, privilege.message, privilege.sql));
  }
  for (const std::string& excluded : source.exclude) {
    if (names.count(excluded) != 0) continue;
    Check check = Problem("exclude", fmt::format("there is no table {}, which rotv.toml excludes", excluded),
                          "correct its name in `exclude`, as schema.table without quotes");
    check.code = ErrorCode::kUsage;
    checks.push_back(check);
  }
  return checks;
}

void ThrowIfProblem(const Check& check) {
  if (check.outcome != Outcome::kProblem) return;
  std::string hint = check.fix;
  std::replace(hint.begin(), hint.end(), '\n', ' ');
  const std::string message = fmt::format("{}: {}", check.name, check.message);
  if (check.link) throw LinkError(*check.link, message, hint);
  throw Error(check.code, message, hint);
}

void ThrowFirstProblem(const std::vector<Check>& checks) {
  for (const Check& check : checks) ThrowIfProblem(check);
}

}  // namespace rotv::capture
