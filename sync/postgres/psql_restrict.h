// Support for \restrict, with which a dump tells psql to run no command of its own until \unrestrict with the same key:
// text that comes from a database cannot know the key. PostgreSQL's minor versions of August 2025 introduced it
// (CVE-2025-8714); since then pg_dump also does not end a comment early at a line break in a name (CVE-2025-8715).

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"

namespace rotv::postgres {

enum class Restrict {
  kAuto,  // Like kAlways, unless the psql of this machine does not know it.
  kAlways,
  kNever,
};

// True if a version has these fixes. `version` is in the form of server_version_num: 150014.
bool HasFixesOfAugust2025(int version);

// Parses the output of `psql --version` or `pg_dump --version`: "psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)". 0
// for anything else.
int ParseProgramVersion(std::string_view text);

// Runs `command`, which prints the version of a psql, and parses it; 0 if there is no psql. Throws kInterrupted.
int PsqlVersion(const std::vector<std::string>& command, const Interrupt& interrupt);

// A new key: 63 random letters and digits, like pg_dump's.
std::string NewRestrictKey();

}  // namespace rotv::postgres
