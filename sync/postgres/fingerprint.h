// Fingerprints of the schema: one of everything that determines pg_dump's schema text, and one of everything that
// determines the text of rows and how they are streamed. False alarms are allowed; missed changes are not.

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

// Two statements, each of which gives one row of one column. Their results do not change with VACUUM, ANALYZE,
// TRUNCATE, REINDEX and temporary tables, and change with every schema change. They take about 0.2 s and 0.3 s at
// 10,000 tables. `publication` is ours, unquoted.
std::vector<std::string> FingerprintStatements(const PgConnection& connection, const std::string& publication);

Fingerprint ParseFingerprint(std::span<const PgResult> results);

// Reads both in one round trip; in a transaction, at the connection's snapshot.
Fingerprint ReadFingerprint(PgConnection& connection, const std::string& publication);

}  // namespace rotv::postgres
