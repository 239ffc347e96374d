// Writes the seed: plain SQL that builds the database as it was at one LSN.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "storage/output_file.h"
#include "sync/context/context.h"
#include "sync/context/database_facts.h"
#include "sync/history/point.h"
#include "sync/postgres/psql_restrict.h"

namespace rotv {

struct MaterializeOptions {
  std::filesystem::path output;  // "-" is stdout; empty: SeedPath().
  std::string point = "head";    // As OpenPoint() takes it.
  history::InGap in_gap = history::InGap::kRefused;
  Compression compression = Compression::kNone;
  bool clean = true;  // The seed can be imported over an older import.
  // With owners (ALTER … OWNER TO) or privileges (GRANT), which a store does not have: the source is asked, and says
  // them for the head alone. Their roles have to exist where the seed is imported.
  bool owners = false;
  bool privileges = false;
  postgres::Restrict restrict_commands = postgres::Restrict::kAuto;
  std::vector<std::string> psql_version = {"psql", "--version"};  // The command that asks the importing psql for its
                                                                  // version; for kAuto.
  bool subset = false;  // Only the rows that the config's [subset] chooses, and those that they need.
  // Returns true if a seed of this point exists already under the path; then nothing is written. Called once, while
  // the store is open in which the name means that.
  std::function<bool(const std::filesystem::path& path, const history::ResolvedPoint&)> is_there = {};
};

struct MaterializeResult {
  std::filesystem::path path;    // Where the seed was written; "-" for stdout.
  history::ResolvedPoint point;  // The state that the seed holds.
  bool written = true;           // False: the seed was there, and the fields below are not set.
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;     // Bytes of SQL, before compression.
  uint64_t checksum = 0;  // Of the file (FileChecksum); 0 for a stream.
  double seconds = 0;
  bool restricted = false;                // psql runs no meta-command that is in the seed.
  std::string subset;                     // SubsetFingerprint(); empty: all rows.
  std::vector<std::string> older_tables;  // Tables whose state is an older one (InGap::kOlderTables).
  std::set<std::string> roles;            // Roles that an import needs and the seed does not create.
  DatabaseFacts facts;                    // Of the source's database at this point.
};

// The path of the seed of a point that was written as `text`: HOME/seed-data.sql for the head of
// the default source, HOME/seed-data-NAME.sql for a name, HOME/seed-data+16-B374D848.sql for anything else, with
// +subset and @SOURCE before .sql for a subset and for another source than the default one, and .zst or .gz at the end
// if it is compressed.
enum class SeedRows { kAll, kSubset };
std::filesystem::path SeedPath(const Context& context, const std::string& text, Lsn lsn, Compression compression,
                               SeedRows rows = SeedRows::kAll);

// Builds a file beside `output`, syncs and renames it: the old one stays until then. Needs no connection. Throws kUsage
// if there is no baseline or no such point (naming the range that exists), or if [subset] does not fit the schema;
// kDisk if it cannot be written. With owners or privileges, throws kUsage too if the point is not the head, or the
// source has changed since; and what a connection to the source and pg_dump throw.
MaterializeResult Materialize(const Context& context, const MaterializeOptions& options);

}  // namespace rotv
