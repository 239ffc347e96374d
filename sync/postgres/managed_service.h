// The managed service that a server belongs to, as far as it can be seen, and how things are set there: nobody is a
// superuser on one, and the server's settings are the service's. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::postgres {

enum class Service { kNone, kRds, kCloudSql, kAlloyDb, kAzure };

// The roles by which ServiceOf() knows a service, as SQL literals in a list.
inline constexpr const char* kServiceRoles =
    "'rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin'";

// `roles` are those of kServiceRoles that exist on the server, separated by spaces.
Service ServiceOf(std::string_view roles);

// "Amazon RDS or Aurora"; empty for kNone.
std::string ServiceName(Service service);

enum class Takes { kReload, kRestart };

// How the server's setting `name` gets a value: a statement, or where the service has it. Names and units are
// PostgreSQL's; the service's own are used where they differ.
std::string SettingFix(Service service, std::string_view name, std::string_view value, Takes takes);

// The statement that lets a role, quoted, replicate.
std::string ReplicationFix(Service service, std::string_view quoted_role);

}  // namespace rotv::postgres
