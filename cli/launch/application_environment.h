// Which servers an application's environment leads to: the database that was started for it, and no other.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/config/app_config.h"
#include "os/environment.h"

namespace rotv::launch {

// The started database, as a program sees it that runs beside it.
struct OwnDatabase {
  std::string socket_directory;
  int port = 5432;   // Of the socket, and of TCP where there is TCP.
  bool tcp = false;  // On 127.0.0.1.
  std::string user = "rotv";
  std::string name;
};

// The names of those that are neither allowed nor replaced by WithOwnDatabase() and hold a PostgreSQL server's address
// or a source's host, themselves or in the file that NAME_FILE names.
std::vector<std::string> LeadingElsewhere(const os::Environment& variables, const config::EnvironmentRules& rules);

// Throws kUsage, with the names and never a value, if there are any; or if one wants JDBC, which knows no sockets,
// where `database` has no TCP.
void RequireOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                        const OwnDatabase& database);

// PGHOST, PGPORT, PGUSER and PGDATABASE.
os::Environment LibpqVariablesFor(const OwnDatabase& database);

// The same variables, but that all which are known to say where the database is say `database`: PGHOST, PGPORT, PGUSER,
// PGDATABASE and DATABASE_URL always, others (DIRECT_URL, POSTGRES_URL, JDBC_DATABASE_URL, DB_HOST …) where they are
// set. Without what else libpq reads, PRODUCTION_*, and an SSH agent, which would open production as well. Variables of
// `rules.allowed` stay.
os::Environment WithOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                                const OwnDatabase& database);

// For a shell of the user's: as WithOwnDatabase(), and without the variables that RequireOwnDatabase() would refuse.
struct ShellEnvironment {
  os::Environment variables;
  std::vector<std::string> withheld;
};
ShellEnvironment ForShell(const os::Environment& variables, const config::EnvironmentRules& rules,
                          const OwnDatabase& database);

// Words that put `wanted` in the place of `inherited` before the program that follows them: env --unset=… NAME=value ….
std::vector<std::string> EnvWords(const os::Environment& inherited, const os::Environment& wanted);

}  // namespace rotv::launch
