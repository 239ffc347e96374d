// \restrict, with which a dump tells psql to run no command of its own until \unrestrict with the same key: text that
// comes from a database cannot know the key. PostgreSQL's minor versions of August 2025 brought it (CVE-2025-8714), and
// with it a pg_dump that ends no comment early for a name with a line end (CVE-2025-8715).

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"

namespace rotv::postgres {

enum class Restrict {
  kAuto,  // As kAlways, unless the psql that is here does not know it.
  kAlways,
  kNever,
};

// `version` is server_version_num's form: 150014.
bool HasFixesOfAugust2025(int version);

// What `psql --version` or `pg_dump --version` says: "psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)". 0 if it says
// nothing of the kind.
int ParseProgramVersion(std::string_view text);

// The version of the psql that `command` asks for it; 0 if there is none. Throws kInterrupted.
int PsqlVersion(const std::vector<std::string>& command, const Interrupt& interrupt);

// A fresh one: 63 random letters and digits, as pg_dump's.
std::string NewRestrictKey();

}  // namespace rotv::postgres
