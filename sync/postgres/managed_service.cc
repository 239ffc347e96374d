#include "sync/postgres/managed_service.h"

#include <fmt/format.h>

namespace rotv::postgres {
namespace {

struct Known {
  Service service;
  const char* role;
  const char* name;
  const char* place;    // Where its settings are.
  const char* logical;  // What stands there for wal_level = logical.
  const char* restart;
};

constexpr Known kKnown[] = {
    {Service::kRds, "rds_superuser", "Amazon RDS or Aurora", "in the instance's or cluster's parameter group",
     "rds.logical_replication = 1", "reboot the instance"},
    {Service::kAlloyDb, "alloydbsuperuser", "Google AlloyDB", "among the instance's database flags",
     "alloydb.logical_decoding = on", "the instance restarts by itself"},
    {Service::kCloudSql, "cloudsqlsuperuser", "Google Cloud SQL", "among the instance's database flags",
     "cloudsql.logical_decoding = on", "the instance restarts by itself"},
    {Service::kAzure, "azure_pg_admin", "Azure Database for PostgreSQL", "among the server parameters",
     "wal_level = logical", "restart the server"},
};

const Known* Find(Service service) {
  for (const Known& known : kKnown) {
    if (known.service == service) return &known;
  }
  return nullptr;
}

}  // namespace

Service ServiceOf(std::string_view roles) {
  const std::string padded = fmt::format(" {} ", roles);
  for (const Known& known : kKnown) {
    if (padded.find(fmt::format(" {} ", known.role)) != std::string::npos) return known.service;
  }
  return Service::kNone;
}

std::string ServiceName(Service service) {
  const Known* known = Find(service);
  return known == nullptr ? "" : known->name;
}

std::string SettingFix(Service service, std::string_view name, std::string_view value, Takes takes) {
  const Known* known = Find(service);
  if (known == nullptr) {
    return fmt::format("ALTER SYSTEM SET {} = {}; {}", name, value,
                       takes == Takes::kRestart ? "then restart the server" : "SELECT pg_reload_conf();");
  }
  const std::string setting = name == "wal_level" ? known->logical : fmt::format("{} = {}", name, value);
  return fmt::format("{}: {}{}", known->place, setting,
                     takes == Takes::kRestart ? fmt::format("; then {}", known->restart) : "");
}

std::string ReplicationFix(Service service, std::string_view quoted_role) {
  if (service == Service::kRds) return fmt::format("GRANT rds_replication TO {};", quoted_role);
  return fmt::format("ALTER ROLE {} REPLICATION;", quoted_role);
}

}  // namespace rotv::postgres
