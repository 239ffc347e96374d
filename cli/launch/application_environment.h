// Makes sure that an application's environment leads to the database that was started for it, and to no other server.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/config/app_config.h"
#include "os/environment.h"

namespace rotv::launch {

// The started database, as seen by a program that runs next to it.
struct OwnDatabase {
  std::string socket_directory = {};  // Empty: it is reached over TCP alone.
  int port = 5432;                    // The port of the socket, and of TCP if `tcp`.
  bool tcp = false;                   // It also listens on 127.0.0.1.
  std::string user = "rotv";
  std::string password = {};  // Of `user`, over TCP; empty: none is asked for.
  std::string name;
};

// The names of variables that are neither allowed nor replaced by WithOwnDatabase() and contain a PostgreSQL server's
// address or a source's host, in their value or in the file that NAME_FILE names.
std::vector<std::string> LeadingElsewhere(const os::Environment& variables, const config::EnvironmentRules& rules);

// Throws kUsage if LeadingElsewhere() finds any, or if a variable is a JDBC URL, which cannot name a socket, and
// `database` has no TCP. The message has the names and never a value.
void RequireOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                        const OwnDatabase& database);

// PGHOST, PGPORT, PGUSER and PGDATABASE; PGPASSWORD where there is no socket.
os::Environment LibpqVariablesFor(const OwnDatabase& database);

// Returns `variables` with each variable that is known to name a database changed to name `database`: PGHOST, PGPORT,
// PGUSER, PGDATABASE and DATABASE_URL always, others (DIRECT_URL, POSTGRES_URL, JDBC_DATABASE_URL, DB_HOST …) if they
// are set. All other libpq variables, PRODUCTION_* and those of an SSH agent, which would open production as well, are
// removed. Variables in `rules.allowed` stay as they are.
os::Environment WithOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                                const OwnDatabase& database);

// The environment of a user's shell: like WithOwnDatabase(), without the variables that RequireOwnDatabase() would
// refuse, which are named in `withheld`, but with the SSH agent.
struct ShellEnvironment {
  os::Environment variables;
  std::vector<std::string> withheld;
};
ShellEnvironment ForShell(const os::Environment& variables, const config::EnvironmentRules& rules,
                          const OwnDatabase& database);

// Returns the words of a command that replaces the environment `inherited` by `wanted` for the program that follows:
// env --unset=… NAME=value ….
std::vector<std::string> EnvWords(const os::Environment& inherited, const os::Environment& wanted);

}  // namespace rotv::launch
