// The seed that a start imports: written when it is missing or behind the store, and never when nothing changed.

#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "sync/context/context.h"
#include "sync/materialize.h"

namespace rotv::launch {

struct SeedRequest {
  std::string snapshot = "head";
  Compression compression = Compression::kNone;
  bool pull = false;                                              // Bring the store up to the source's present first.
  std::vector<std::string> psql_version = {"psql", "--version"};  // As MaterializeOptions has it.
};

struct Seed {
  std::filesystem::path path;
  std::string source;
  std::string snapshot;
  history::ResolvedPoint point;  // What `snapshot` meant when it was written or found to be there.
  uint64_t sql_bytes = 0;        // Uncompressed.
  bool written = false;          // Just now.
  std::set<std::string> roles;   // Which an import needs.
};

// Takes the baseline where there is none. A source that cannot be reached is a warning where there is a store or an
// earlier seed to go on with. HOME/seed-data.sql for head, HOME/seed-data-NAME.sql for a named point, and with @SOURCE
// in front of .sql for another source than the one that is worked on by default; what a file holds stands beside it in
// FILE.json, with which it is known again. Throws what TakeBaseline(), Pull() and Materialize() do.
Seed PrepareSeed(const Context& context, const SeedRequest& request);

// Deletes the files of a snapshot that PrepareSeed() wrote and nobody has changed.
void RemoveSeedOf(const Context& context, const std::string& snapshot);

// The files of this home are no longer what their notes say: the store was changed in place. Nothing is deleted but the
// notes.
void ForgetSeeds(const std::filesystem::path& home);

inline constexpr int64_t kStaleAfterDays = 7;

// Days since `data_time_us`, whole ones.
int64_t DaysOld(int64_t data_time_us, int64_t now_us);

}  // namespace rotv::launch
