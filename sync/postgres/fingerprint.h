// One number for everything that pg_dump's schema text is made of, and one for everything that decides how rows look as
// text and how they are streamed. False alarms are allowed, misses are not.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

struct Fingerprint {
  std::string schema;
  std::string tables;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// Two statements, each with one row of one column. Stable under VACUUM, ANALYZE, TRUNCATE, REINDEX and temporary
// tables; changed by every schema change. About 0.2 s and 0.3 s at 10,000 tables. `publication` is ours, unquoted.
std::vector<std::string> FingerprintStatements(const PgConnection& connection, const std::string& publication);

Fingerprint ParseFingerprint(std::span<const PgResult> results);

// Both at once, as the connection's snapshot sees the schema.
Fingerprint ReadFingerprint(PgConnection& connection, const std::string& publication);

}  // namespace rotv::postgres
