// The oracle: a seed is correct if it equals what the real pg_dump writes, and if psql builds the same database from
// it.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

enum class Import {
  kNone,
  kTry,               // Imports into an empty database in a transaction that is rolled back, which costs little.
  kEmpty,             // Imports into an empty database, which is dumped and compared again.
  kEmptyAndOverOlder  // Imports once more over that database: the seed's DROPs are used.
};

struct OracleOptions {
  std::string database = "rotv";
  Import import = Import::kEmpty;
  std::vector<std::string> dump_arguments = {};  // Arguments of both dumps: "--exclude-table-data=public.page_views".
};

// Compares the seed with a dump of `source` taken now, in canonical form (sync/formats/dump_sections.h): the source
// must not change between the seed's LSN and the return. The import goes to a server of its own, of the source's
// version and on tmpfs, which lives as long as the process and has the source's roles. A failure shows the first lines
// that differ, with their surroundings.
::testing::AssertionResult SeedEqualsDump(const PostgresServer& source, const std::filesystem::path& seed,
                                          const OracleOptions& options = {});

inline void ExpectSeedEqualsDump(const PostgresServer& source, const std::filesystem::path& seed,
                                 const OracleOptions& options = {}) {
  EXPECT_TRUE(SeedEqualsDump(source, seed, options));
}

// The same comparison for two texts, each with a name for the failure message.
struct NamedDump {
  std::string name;
  std::string_view text;
};
::testing::AssertionResult DumpsAreEqual(const NamedDump& got, const NamedDump& expected);

}  // namespace rotv::testing
