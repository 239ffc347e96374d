// Provides the seed that a start imports. It is written only if it is missing or older than the store.

#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/launch/checked_note.h"
#include "sync/context/context.h"
#include "sync/context/database_facts.h"
#include "sync/materialize.h"

namespace rotv::launch {

struct SeedRequest {
  std::string snapshot = "head";
  Compression compression = Compression::kNone;
  bool pull = false;                                              // Bring the store up to date with the source first.
  std::vector<std::string> psql_version = {"psql", "--version"};  // As in MaterializeOptions.
};

struct Seed {
  std::filesystem::path path;
  std::string source;
  std::string snapshot;
  history::ResolvedPoint point;  // What `snapshot` meant when the seed was written or found.
  uint64_t sql_bytes = 0;        // Uncompressed.
  bool written = false;          // Written by this call.
  std::string sum = {};          // The checksum of the file; empty: not known.
  std::set<std::string> roles;   // The roles that an import needs.
  DatabaseFacts facts;           // Of the source's database at this point.
};

// Returns the seed of a point, and writes it if necessary. Takes the baseline if there is none. A source that cannot be
// reached is only a warning if there is a store or an earlier seed to use. The file is HOME/seed-data.sql for head and
// HOME/seed-data-NAME.sql for a snapshot, with @SOURCE before .sql for a source other than the default one; FILE.json
// next to it says what it holds, so that a later call recognises it. Throws what TakeBaseline(), Pull() and
// Materialize() throw.
Seed PrepareSeed(const Context& context, const SeedRequest& request);

// Deletes the seeds of a snapshot that PrepareSeed() wrote and that have not been changed since.
void RemoveSeedOf(const Context& context, const std::string& snapshot);

// Reads all seeds in `home` that PrepareSeed() wrote and nobody has changed since, and gives those that are not what
// was written, or whose notes are not. The next start writes them again.
std::vector<DamagedFile> FindDamagedSeeds(const std::filesystem::path& home, const Interrupt& interrupt);

// Deletes the notes of all seeds in `home`, and nothing else: after the store was changed in place, seeds no longer are
// what their notes say.
void ForgetSeeds(const std::filesystem::path& home);

inline constexpr int64_t kStaleAfterDays = 7;

// The whole days from `data_time_us` to `now_us`.
int64_t DaysOld(int64_t data_time_us, int64_t now_us);

}  // namespace rotv::launch
