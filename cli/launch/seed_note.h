// A seed and its note, FILE.json beside it, which says whose the file is.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "storage/interrupt.h"
#include "sync/context/database_facts.h"
#include "sync/materialize.h"

namespace rotv::launch {

inline constexpr const char* kSeedNoteEnding = ".json";

struct Seed {
  std::filesystem::path path;
  std::string source;  // Empty if `is_foreign`, as are all fields that a note tells.
  std::string snapshot;
  history::ResolvedPoint point;  // What `snapshot` meant when the seed was written or found.
  uint64_t sql_bytes = 0;        // Uncompressed.
  bool written = false;          // Written by this call.
  std::string sum = {};          // The checksum of the file; empty: not known.
  std::set<std::string> roles;   // The roles that an import needs.
  DatabaseFacts facts = {};      // Of the source's database at this point.
  std::string subset = {};       // SubsetFingerprint() of the rows it has; empty: all.
  bool is_foreign = false;       // Somebody put it there.
  int64_t fresh_us = 0;  // The time by which its age goes: that of the data, or the file's if that was set back.
};

// Whose the file at a seed's path is.
enum class Whose {
  kNobodys,  // There is none.
  kOurs,     // As it was written, or a copy of that.
  kSetBack,  // As it was written, and somebody has given it an older time.
  kUnknown,  // Ours, and not described: it has to be written again.
  kForeign,  // Somebody's.
};

struct FoundSeed {
  Whose whose = Whose::kNobodys;
  std::optional<Seed> seed = {};  // Unless it is nobody's or unknown.
};

// Reads the whole file only if it is not the one that its note describes. Throws kInterrupted.
FoundSeed LookAtSeed(const std::filesystem::path& path, const Interrupt& interrupt);

// The seed at `path` as somebody's.
Seed ForeignSeed(const std::filesystem::path& path);

// Returns nothing if there is no note, or if the seed is no longer the file that the note describes.
std::optional<Seed> ReadSeedNote(const std::filesystem::path& path);
// Both are atomic, and throw kDisk. The second one is called before the file is replaced.
void WriteSeedNote(const Seed& seed);
void MarkSeedAsReplaced(const std::filesystem::path& path);
// Says of a seed only that it is ours and has to be written again.
void ForgetSeedNote(const std::filesystem::path& note);
std::filesystem::path SeedNotePath(std::filesystem::path seed);

// True if the file has the bytes that its note tells: its size and its time do not show damage. Reads all of it.
bool HasItsBytes(const Seed& seed, const Interrupt& interrupt);

// Names a store: the LSN and time of its baseline.
std::string BaselineName(const history::ResolvedPoint& point);

}  // namespace rotv::launch
