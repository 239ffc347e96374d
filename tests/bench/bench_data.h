// The measured database and its changes: an application's small rows in several tables, and its pictures. Always the
// same for a size.

#pragma once

#include <cstdint>

#include "tests/support/servers/postgres_server.h"

namespace rotv::bench {

struct DataSize {
  int64_t small_rows = 1'000'000;
  int64_t pictures = 210;         // 50 to 500 kB each, which a dump writes as twice as many characters.
  int64_t changes = 1'000'000;    // Made by MakeChanges().
  int64_t bulk_rows = 2'000'000;  // Made by MakeOneLargeTransaction().
};
DataSize Scaled(double factor);

// Creates the tables and fills them; they are vacuumed and analyzed on return.
void LoadData(const testing::PostgresServer& server, const DataSize& size);

// Makes about size.changes inserts, updates and deletes: half of them in small transactions of five, half in a few of
// many thousand rows each. The latter rename all pictures, which leaves their bytes unchanged.
void MakeChanges(const testing::PostgresServer& server, const DataSize& size);

// Changes one row in a hundred, in small transactions; each `round` changes other rows.
void ChangeOnePercent(const testing::PostgresServer& server, const DataSize& size, int64_t round);

// Inserts size.bulk_rows rows at once.
void MakeOneLargeTransaction(const testing::PostgresServer& server, const DataSize& size);

}  // namespace rotv::bench
