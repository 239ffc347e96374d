// Finds PostgreSQL's programs on this machine. entrypoint/postgres_programs.sh has the same rule for shell.

#pragma once

#include <filesystem>
#include <vector>

#include "os/environment.h"

namespace rotv::os {

// The directories of the programs of every version that packages have installed, the newest first: PATH shows only one
// of them, or none (/usr/lib/postgresql/N/bin, /usr/pgsql-N/bin).
std::vector<std::filesystem::path> PackagedPostgresDirectories();

// The directory of initdb, and so of a server's programs: that of PATH, else that of the newest version that packages
// have installed; empty if there is none.
std::filesystem::path FindPostgresPrograms(const Environment& environment);

}  // namespace rotv::os
