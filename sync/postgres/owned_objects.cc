#include "sync/postgres/owned_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "os/process_environment.h"
#include "sync/context/source_address.h"
#include "sync/postgres/slot_in_use.h"
#include "sync/postgres/sqlstate.h"
#include "sync/postgres/standby.h"

namespace rotv::postgres {
namespace {

std::string PlaceOf(const proto::OwnedObjects& objects) {
  if (objects.system_id() == 0) return "the source";
  return fmt::format("database {} of {}", objects.database(), objects.description());
}

proto::SourceWay WayOf(const SourceConfig& source) {
  proto::SourceWay way;
  way.set_ssh(source.ssh);
  way.set_identity(source.identity);
  way.set_known_hosts(source.known_hosts);
  way.set_container(source.container);
  way.set_runtime(source.runtime);
  way.set_host(source.host);
  way.set_port(source.port);
  way.set_database(source.database);
  way.set_user(source.user);
  way.set_url(source.url);
  way.set_config_file(source.config_file);
  return way;
}

bool IsSameServer(const SourceConfig& one, const SourceConfig& other) {
  const auto hosts = [](const SourceConfig& source) {
    std::vector<std::pair<std::string, int>> all;
    for (const SourceAddress& address : AddressesOf(source, os::TakenVariable("HOME")))
      all.emplace_back(address.host, address.port);
    return all;
  };
  return one.container == other.container && one.host == other.host && one.port == other.port &&
         hosts(one) == hosts(other);
}

// Whether the objects have been removed from the primary of a standby already.
enum class Primary { kUnknown, kDone };

// Removes one set of objects on one server.
class Remover {
 public:
  Remover(SourceSession& session, const proto::OwnedObjects& objects, Primary primary)
      : session_(session), connection_(session.connection()), objects_(objects), primary_(primary) {}

  Removal Run() {
    const proto::SourceIdentity here = ReadIdentity(connection_);
    const bool same_server = objects_.system_id() == 0 || objects_.system_id() == here.system_id();
    if (!same_server && objects_.description() != session_.link().Description()) {
      LeaveBoth(fmt::format("it was made on another server than {}", session_.link().Description()));
      return std::move(removal_);
    }
    const bool had_slot = DropSlot();
    if (IsStandby(connection_)) {
      if (same_server && primary_ == Primary::kUnknown) LeaveToPrimary(had_slot);
      return std::move(removal_);
    }
    // If another server has replaced the former one (an upgrade), databases have other oids.
    const uint32_t database = same_server ? objects_.database_oid() : 0;
    if (database == 0 || database == here.database_oid()) {
      DropPublication(connection_);
    } else {
      DropPublicationIn(database);
    }
    // A copy of the server's files has its system identifier and the publication, but not the slot, which only the
    // original has.
    const SourceConfig& source = session_.context().source;
    if (!had_slot && same_server && objects_.has_way() && !IsSameServer(SourceAtPlace(source, objects_), source)) {
      removal_.left.clear();
      LeaveBoth(fmt::format("it was made over another link, and {} may be a copy of that server",
                            session_.link().Description()));
    }
    return std::move(removal_);
  }

 private:
  void LeaveBoth(const std::string& why) {
    Leave("replication slot " + objects_.slot(), SlotRemovalSql(objects_.slot()), why, ErrorCode::kUnreachable);
    Leave("publication " + objects_.publication(), PublicationRemovalSql(objects_.publication()), why,
          ErrorCode::kUnreachable);
  }

  // A standby drops its own slots and nothing else; the publication goes with that of its primary.
  void LeaveToPrimary(bool had_slot) {
    const std::string why =
        fmt::format("{} is a standby: run it on its primary, or name that in rotv.toml and detach again",
                    session_.link().Description());
    // Since 17 a promoted standby may have been given the slot.
    if (!had_slot || connection_.server_version() >= 170000) {
      Leave("replication slot " + objects_.slot(),
            fmt::format("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{}';",
                        objects_.slot()),
            why, ErrorCode::kRefused);
    }
    const std::string find =
        fmt::format("SELECT FROM pg_publication WHERE pubname = {}", connection_.QuoteLiteral(objects_.publication()));
    if (connection_.Query(find).rows() == 0) return;
    Leave("publication " + objects_.publication(), PublicationRemovalSql(objects_.publication()), why,
          ErrorCode::kRefused);
  }

  void Leave(const std::string& what, const std::string& sql, const std::string& why, ErrorCode code) {
    removal_.left.push_back({.what = what, .where = PlaceOf(objects_), .why = why, .sql = sql, .code = code});
  }

  // Drops the slot; false if there is none.
  bool DropSlot() {
    const std::string slot = connection_.QuoteLiteral(objects_.slot());
    // One that is synchronized from a primary cannot be dropped on the standby.
    const std::string find = fmt::format(
        "SELECT FROM pg_replication_slots s WHERE slot_name = {} AND NOT (pg_is_in_recovery() AND "
        "coalesce(to_jsonb(s) ->> 'synced', '') = 'true')",
        slot);
    if (connection_.Query(find).rows() == 0) return false;
    const std::string drop = fmt::format("SELECT pg_drop_replication_slot({})", slot);
    const std::optional<PgFailure> failure =
        UseSlotOnceReleased([&] { return connection_.TryQuery(drop).failure; }, session_.context().interrupt, [] {});
    if (!failure) {
      removal_.removed.push_back("replication slot " + objects_.slot());
    } else if (IsForPrivilege(*failure)) {
      Leave("replication slot " + objects_.slot(), SlotRemovalSql(objects_.slot()), failure->message,
            ErrorCode::kRefused);
    } else if (failure->sqlstate != sqlstate::kUndefinedObject) {  // Else it was dropped in between.
      connection_.Throw(*failure);
    }
    return true;
  }

  void DropPublication(PgConnection& connection) {
    const std::string& name = objects_.publication();
    const std::string find =
        fmt::format("SELECT FROM pg_publication WHERE pubname = {}", connection.QuoteLiteral(name));
    if (connection.Query(find).rows() == 0) return;
    const PgOutcome outcome = connection.TryQuery("DROP PUBLICATION " + connection.QuoteIdentifier(name));
    if (!outcome.failure) {
      const bool elsewhere = &connection != &connection_;
      removal_.removed.push_back(
          fmt::format("publication {}{}", name, elsewhere ? ", in database " + connection.database() : ""));
      return;
    }
    if (!IsForPrivilege(*outcome.failure)) connection.Throw(*outcome.failure);
    Leave("publication " + name, PublicationRemovalSql(name), outcome.failure->message, ErrorCode::kRefused);
  }

  // Drops the publication in the database with this oid, whatever its present name. If the database is gone, so is the
  // publication.
  void DropPublicationIn(uint32_t database) {
    const PgResult found = connection_.Query(fmt::format("SELECT datname FROM pg_database WHERE oid = {}", database));
    if (found.rows() == 0) return;
    try {
      const std::unique_ptr<PgConnection> there = session_.ConnectTo(found.Get(0, 0));
      DropPublication(*there);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kRefused && error.code() != ErrorCode::kUnreachable) throw;
      Leave("publication " + objects_.publication(), PublicationRemovalSql(objects_.publication()), error.what(),
            error.code());
    }
  }

  SourceSession& session_;
  PgConnection& connection_;
  const proto::OwnedObjects& objects_;
  const Primary primary_;
  Removal removal_;
};

}  // namespace

std::string SlotRemovalSql(const std::string& slot) {
  return fmt::format("SELECT pg_drop_replication_slot('{}');", slot);
}

std::string PublicationRemovalSql(const std::string& publication) {
  return fmt::format("DROP PUBLICATION \"{}\";", publication);
}

void SetPlace(SourceSession& session, proto::OwnedObjects* objects) {
  const proto::SourceIdentity identity = ReadIdentity(session.connection());
  objects->set_system_id(identity.system_id());
  objects->set_database_oid(identity.database_oid());
  objects->set_database(identity.database());
  objects->set_description(session.link().Description());
  *objects->mutable_way() = WayOf(session.context().source);
}

SourceConfig SourceAtPlace(const SourceConfig& source, const proto::OwnedObjects& objects) {
  SourceConfig then = source;
  const proto::SourceWay& way = objects.way();
  then.ssh = way.ssh();
  then.identity = way.identity();
  then.known_hosts = way.known_hosts();
  then.container = way.container();
  then.runtime = way.runtime();
  then.host = way.host();
  then.port = way.port();
  then.database = way.database();
  then.user = way.user();
  then.url = way.url();
  return then;
}

Removal RemoveObjects(SourceSession& session, const proto::OwnedObjects& objects) {
  return Remover(session, objects, Primary::kUnknown).Run();
}

Removal RemoveObjectsAnywhere(SourceSession& session, const proto::OwnedObjects& objects,
                              const std::filesystem::path& run_directory) {
  Removal removal = RemoveObjects(session, objects);
  const Context& context = session.context();
  if (removal.left.empty() || !objects.has_way()) return removal;
  proto::SourceWay now = WayOf(context.source);
  now.set_config_file(objects.way().config_file());
  if (objects.way().SerializeAsString() == now.SerializeAsString()) return removal;
  try {
    const SourceConfig then = SourceAtPlace(context.source, objects);
    const Context there{then, context.home, context.progress, context.interrupt, context.scheduled};
    const std::filesystem::path directory = run_directory / "there";  // The session's own sockets have the same names.
    std::filesystem::create_directories(directory);
    SourceSession former(there, directory);
    // After a failover that is the former primary.
    const bool was_primary =
        !IsStandby(session.connection()) && ReadIdentity(session.connection()).system_id() == objects.system_id();
    Removal again = Remover(former, objects, was_primary ? Primary::kDone : Primary::kUnknown).Run();
    again.removed.insert(again.removed.begin(), removal.removed.begin(), removal.removed.end());
    return again;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kBug) throw;
    for (Leftover& left : removal.left) {
      left.why += fmt::format("; and over the link it was made by: {}", error.what());
      if (left.code != ErrorCode::kRefused) left.code = error.code();
    }
    return removal;
  }
}

Removal RemoveLeftovers(SourceSession& session, Workspace& workspace, Reach reach) {
  Removal all;
  for (const proto::OwnedObjects& leftover : workspace.Leftovers()) {
    Removal removal = reach == Reach::kAnywhere ? RemoveObjectsAnywhere(session, leftover, workspace.RunDirectory())
                                                : RemoveObjects(session, leftover);
    if (removal.left.empty()) workspace.RemoveOwned(leftover);
    all.removed.insert(all.removed.end(), removal.removed.begin(), removal.removed.end());
    all.left.insert(all.left.end(), removal.left.begin(), removal.left.end());
  }
  return all;
}

void RemoveAndTellLeftovers(SourceSession& session, Workspace& workspace) {
  ReportRemoval(RemoveLeftovers(session, workspace, Reach::kSession), session.context().progress);
}

void ReportRemoval(const Removal& removal, Progress& progress) {
  for (const std::string& removed : removal.removed) progress.Note("removed from the source: " + removed);
  for (const Leftover& left : removal.left) {
    progress.Warn(fmt::format("{} stays in {}: {}; there: {}", left.what, left.where, left.why, left.sql));
  }
}

std::string RemovalSql(const proto::OwnedObjects& objects) {
  return fmt::format("{} {}", SlotRemovalSql(objects.slot()), PublicationRemovalSql(objects.publication()));
}

std::vector<Leftover> RecordedElsewhere(SourceSession& session) {
  const uint64_t here = ReadIdentity(session.connection()).system_id();
  std::vector<Leftover> leftovers;
  for (const RecordedObjects& record : AllRecordedObjects(session.context().home)) {
    const proto::OwnedObjects& objects = record.objects;
    if (record.source != session.context().source.name || objects.system_id() == 0 || objects.system_id() == here) {
      continue;
    }
    leftovers.push_back({.what = fmt::format("replication slot and publication {}", objects.slot()),
                         .where = PlaceOf(objects),
                         .why = "it was made on another server; rotv-sync detach removes it where that can be reached",
                         .sql = RemovalSql(objects),
                         .code = ErrorCode::kUnreachable});
  }
  return leftovers;
}

}  // namespace rotv::postgres
