#include "sync/postgres/found_objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/postgres/object_names.h"

namespace rotv::postgres {
namespace {

constexpr int kMostDatabases = 20;
// A database's owner can give a publication any name, so only names in our form go into the SQL that users are told to
// run.
constexpr const char* kNames = "^rotv_[a-z0-9_]+$";

class Finder {
 public:
  explicit Finder(SourceSession& session)
      : session_(session), records_(AllRecordedObjects(session.context().home)), ours_(LocalOwnedPrefix()) {}

  std::vector<FoundObject> Run(Scope scope) {
    PgConnection& connection = session_.connection();
    const PgResult slots = connection.Query(
        fmt::format("SELECT slot_name, coalesce(database, '') FROM pg_replication_slots WHERE NOT temporary AND "
                    "slot_name::text ~ '{}' ORDER BY 1",
                    kNames));
    for (int row = 0; row < slots.rows(); ++row) {
      Add("replication slot ", slots.Get(row, 0), slots.Get(row, 1), SlotRemovalSql(slots.Get(row, 0)));
    }
    AddPublications(connection);
    if (scope == Scope::kEveryDatabase) LookElsewhere(connection);
    return std::move(found_);
  }

 private:
  // A database that cannot be read is skipped: its slots are listed anyway.
  void LookElsewhere(PgConnection& connection) {
    const PgResult databases = connection.Query(
        fmt::format("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> "
                    "current_database() AND has_database_privilege(oid, 'CONNECT') ORDER BY 1 LIMIT {}",
                    kMostDatabases));
    for (int row = 0; row < databases.rows(); ++row) {
      session_.context().interrupt.Check();
      try {
        AddPublications(*session_.ConnectTo(databases.Get(row, 0)));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kRefused && error.code() != ErrorCode::kUnreachable) throw;
      }
    }
  }

  void AddPublications(PgConnection& connection) {
    const PgResult names = connection.Query(
        fmt::format("SELECT pubname FROM pg_publication WHERE pubname::text ~ '{}' ORDER BY 1", kNames));
    for (int row = 0; row < names.rows(); ++row) {
      Add("publication ", names.Get(row, 0), connection.database(), PublicationRemovalSql(names.Get(row, 0)));
    }
  }

  void Add(const char* kind, const std::string& name, const std::string& database, const std::string& sql) {
    FoundObject found{.source = {}, .what = kind + name, .where = "database " + database, .sql = sql};
    if (name.starts_with(ours_)) found.whose = FoundObject::Whose::kOurs;
    for (const RecordedObjects& record : records_) {
      if (record.objects.slot() != name && record.objects.publication() != name) continue;
      found.whose = FoundObject::Whose::kRecorded;
      found.source = record.source;
      found.in_use = record.in_use;
    }
    found_.push_back(std::move(found));
  }

  SourceSession& session_;
  const std::vector<RecordedObjects> records_;
  const std::string ours_;
  std::vector<FoundObject> found_;
};

}  // namespace

std::vector<FoundObject> FindObjects(SourceSession& session, Scope scope) { return Finder(session).Run(scope); }

std::vector<Leftover> LeftoversAmong(const std::vector<FoundObject>& found,
                                     const std::vector<std::string>& configured) {
  std::vector<Leftover> leftovers;
  for (const FoundObject& object : found) {
    std::string why;
    if (object.whose == FoundObject::Whose::kOurs) {
      why = "this machine and user made it, and no record here has it: another home uses it, or nothing does";
    } else if (object.whose == FoundObject::Whose::kRecorded) {
      const bool is_configured = std::count(configured.begin(), configured.end(), object.source) > 0;
      if (is_configured && object.in_use) continue;
      why = is_configured ? fmt::format("an earlier run of source {} left it; its next pull, or detach, removes it",
                                        object.source)
                          : fmt::format(
                                "it belongs to source {0}, which rotv.toml does not have: rotv-sync --source {0} "
                                "detach removes it",
                                object.source);
    } else {
      continue;
    }
    leftovers.push_back({.what = object.what, .where = object.where, .why = why, .sql = object.sql});
  }
  return leftovers;
}

}  // namespace rotv::postgres
