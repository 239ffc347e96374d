// Provides the seed that a start imports. It is written only if it is missing or older than the store.
//
// Whose a seed is, its note says (FILE.json beside it). A file without a note, or with other bytes than its note tells,
// was put there by somebody: it is used as it is, and replaced only where new data is asked for, and then it is kept
// under another name. One with the bytes that were written and an older time had its time set by somebody: it is used
// as it is, too, as data of that time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/checked_note.h"
#include "cli/launch/seed_note.h"
#include "sync/context/context.h"
#include "sync/materialize.h"

namespace rotv::launch {

struct SeedRequest {
  std::string snapshot = "head";  // A point, as OpenPoint() takes it.
  Compression compression = Compression::kNone;
  bool subset = false;                                            // As in MaterializeOptions.
  bool pull = false;                                              // Bring the store up to date with the source first.
  std::vector<std::string> psql_version = {"psql", "--version"};  // As in MaterializeOptions.
  // A seed that is there is taken for what was written if its size and time are; the caller asks HasItsBytes() (a seed
  // note's) and where that says no asks again without this.
  bool is_checked_by_caller = false;
};

// Returns the seed of a point, and writes it if necessary. Takes the baseline if there is none. A source that cannot be
// reached is only a warning if there is a store or any seed to use. Only one process at a time prepares seeds of a
// home: others wait. The file is that of SeedPath(); FILE.json next to it says what it holds, so that a later call
// recognises it. Throws what TakeBaseline(), Pull() and Materialize() throw.
Seed PrepareSeed(const Context& context, const SeedRequest& request);

// The two halves of that, for a start that may need no seed.
struct StoreBroughtUp {
  // A seed that is to be used as it is there: somebody put it there, its time was set back, or the source cannot be
  // reached and nothing is stored.
  std::optional<Seed> as_it_is;
  bool needs_seed = false;  // A new seed has to take the place of such a one.
};
// True if that would do nothing, and give no seed that is to be used as it is there. Waits for nobody.
bool StoreIsEnough(const Context& context, const SeedRequest& request);
// Takes the baseline if there is none, and brings the store up to date if that is asked for.
StoreBroughtUp BringStoreUp(const Context& context, const SeedRequest& request);
// Writes the seed if that is necessary.
Seed MakeSeed(const Context& context, const SeedRequest& request);

// True if SeedWithoutSource() has one to give.
bool HasSeedWithoutSource(const std::filesystem::path& home, const std::string& snapshot);
// Returns the seed that is there, where no source is configured. Throws kUsage if there is none.
Seed SeedWithoutSource(const std::filesystem::path& home, const std::string& snapshot, Progress& progress,
                       const Interrupt& interrupt);

// Materialize() writes a file of the home directory between these two. The first gives a file that somebody put there
// another name, and says which; the second writes the note. Both throw kDisk.
void BeginSeed(const std::filesystem::path& path, Progress& progress);
Seed NoteSeed(const Context& context, const MaterializeResult& made, const std::string& point);

// Deletes the seeds of a snapshot that PrepareSeed() wrote and that have not been changed since.
void RemoveSeedOf(const Context& context, const std::string& snapshot);

// A seed's file in the home directory.
struct SeedInHome {
  std::filesystem::path path;
  uint64_t bytes = 0;
  bool is_ours = false;  // PrepareSeed() wrote it, and it has not been changed since. Only then the next two are set.
  std::string source = {};
  history::ResolvedPoint point = {};
};
std::vector<SeedInHome> SeedsIn(const std::filesystem::path& home);
// Deletes a seed and its note.
void RemoveSeed(const std::filesystem::path& path);

// Deletes the seeds of a source that PrepareSeed() wrote and that have not been changed since.
void RemoveSeedsOfSource(const std::filesystem::path& home, const std::string& source);

// Reads all seeds in `home` that PrepareSeed() wrote and nobody has changed since, and gives those that are not what
// was written, or whose notes are not. The next start writes them again.
std::vector<DamagedFile> FindDamagedSeeds(const std::filesystem::path& home, const Interrupt& interrupt);

// Makes the notes of all seeds in `home` say only that they are ours and have to be written again: after the store was
// changed in place, seeds no longer are what their notes said.
void ForgetSeeds(const std::filesystem::path& home);

inline constexpr int64_t kStaleAfterDays = 7;

// The whole days from `data_time_us` to `now_us`.
int64_t DaysOld(int64_t data_time_us, int64_t now_us);

}  // namespace rotv::launch
