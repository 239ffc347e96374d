#include "cli/launch/seed_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/launch/checked_note.h"
#include "cli/launch/facts_note.h"
#include "os/file_fingerprint.h"
#include "storage/file_checksum.h"
#include "storage/lsn.h"

namespace rotv::launch {
namespace {

// The note FILE.json describes the seed that was written to FILE.
struct Note {
  std::string file;      // The seed's fingerprint: a seed that somebody wrote over is no longer ours.
  std::string sum;       // The checksum of its bytes; empty in a note of an older program.
  std::string baseline;  // Names the store: the LSN and time of its baseline.
  std::string source;
  std::string snapshot;
  std::string lsn;
  int64_t data_time_us = 0;
  uint64_t sql_bytes = 0;
  std::set<std::string> roles;
  nlohmann::json facts;   // JsonOf(); not in a note of an older program.
  std::string subset;     // SubsetFingerprint(); empty: all rows.
  bool replaced = false;  // A new one is being written: a file that is not this note's is ours all the same.
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Note, file, sum, baseline, source, snapshot, lsn, data_time_us,
                                                sql_bytes, roles, facts, subset, replaced)

// Reads what BaselineName() wrote. Returns false if it is something else.
bool ReadBaselineName(std::string_view name, history::ResolvedPoint& point) {
  const size_t space = name.find(' ');
  if (space == std::string_view::npos) return false;
  const std::optional<Lsn> lsn = Lsn::Parse(name.substr(0, space));
  const std::string_view time = name.substr(space + 1);
  if (!lsn) return false;
  point.baseline_lsn = *lsn;
  return std::from_chars(time.data(), time.data() + time.size(), point.baseline_time_us).ec == std::errc();
}

// Returns nothing if there is no note, or if it cannot be read.
std::optional<Note> ParsedNote(const std::filesystem::path& seed) {
  const std::optional<nlohmann::json> document = ReadCheckedNote(SeedNotePath(seed));
  if (!document) return std::nullopt;
  try {
    return document->get<Note>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

// What a note says of its seed. Nothing if it does not say enough.
std::optional<Seed> SeedOf(const std::filesystem::path& path, const Note& note) {
  const std::optional<Lsn> lsn = Lsn::Parse(note.lsn);
  if (!lsn) return std::nullopt;
  Seed seed{.path = path,
            .source = note.source,
            .snapshot = note.snapshot,
            .point = {.lsn = *lsn, .time_us = note.data_time_us},
            .sql_bytes = note.sql_bytes,
            .sum = note.sum,
            .roles = note.roles,
            .subset = note.subset,
            .fresh_us = note.data_time_us};
  if (!ReadBaselineName(note.baseline, seed.point)) return std::nullopt;
  try {
    seed.facts = FactsFrom(note.facts);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  return seed;
}

// The time of a file's last change, in nanoseconds, as its fingerprint has it: INODE-SIZE-SECONDS.NANOSECONDS.
int64_t ModifiedNs(const std::string& fingerprint) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  int64_t seconds = 0, nanoseconds = 0;
  const size_t dot = fingerprint.rfind('.');
  const size_t dash = fingerprint.rfind('-', dot);
  if (dot == std::string::npos || dash == std::string::npos) return 0;
  std::from_chars(fingerprint.data() + dash + 1, fingerprint.data() + dot, seconds);
  std::from_chars(fingerprint.data() + dot + 1, fingerprint.data() + fingerprint.size(), nanoseconds);
  return seconds * kNsPerSecond + nanoseconds;
}

int64_t ModifiedUs(const std::filesystem::path& path) {
  return ModifiedNs(os::FileFingerprint(path).value_or("")) / 1000;
}

}  // namespace

std::filesystem::path SeedNotePath(std::filesystem::path seed) { return seed += kSeedNoteEnding; }

std::string BaselineName(const history::ResolvedPoint& point) {
  return fmt::format("{} {}", point.baseline_lsn.ToString(), point.baseline_time_us);
}

std::optional<Seed> ReadSeedNote(const std::filesystem::path& path) {
  const std::optional<Note> note = ParsedNote(path);
  if (!note || note->file != os::FileFingerprint(path)) return std::nullopt;
  return SeedOf(path, *note);
}

void WriteSeedNote(const Seed& seed) {
  const Note note{.file = os::FileFingerprint(seed.path).value_or(""),
                  .sum = seed.sum,
                  .baseline = BaselineName(seed.point),
                  .source = seed.source,
                  .snapshot = seed.snapshot,
                  .lsn = seed.point.lsn.ToString(),
                  .data_time_us = seed.point.time_us,
                  .sql_bytes = seed.sql_bytes,
                  .roles = seed.roles,
                  .facts = JsonOf(seed.facts),
                  .subset = seed.subset};
  WriteCheckedNote(SeedNotePath(seed.path), nlohmann::json(note));
}

bool HasItsBytes(const Seed& seed, const Interrupt& interrupt) {
  return seed.sum.empty() || ChecksumText(ChecksumOf(seed.path, [&] { interrupt.Check(); })) == seed.sum;
}

Seed ForeignSeed(const std::filesystem::path& path) {
  constexpr uint64_t kMostCompression = 10;
  const uint64_t bytes = std::filesystem::file_size(path);
  const int64_t time_us = ModifiedUs(path);
  return {.path = path,
          .source = {},
          .snapshot = {},
          .point = {.time_us = time_us},
          .sql_bytes = path.extension() == ".sql" ? bytes : bytes * kMostCompression,
          .is_foreign = true,
          .fresh_us = time_us};
}

FoundSeed LookAtSeed(const std::filesystem::path& path, const Interrupt& interrupt) {
  const std::optional<std::string> file = os::FileFingerprint(path);
  if (!file) return {};
  if (!std::filesystem::exists(SeedNotePath(path))) return {Whose::kForeign, ForeignSeed(path)};
  const std::optional<Note> note = ParsedNote(path);
  std::optional<Seed> seed = note ? SeedOf(path, *note) : std::nullopt;
  if (!seed) return {.whose = Whose::kUnknown};
  if (note->file == *file) return {Whose::kOurs, std::move(seed)};
  if (note->replaced) return {.whose = Whose::kUnknown};
  if (seed->sum.empty() || !HasItsBytes(*seed, interrupt)) return {Whose::kForeign, ForeignSeed(path)};
  if (ModifiedNs(*file) >= ModifiedNs(note->file)) return {Whose::kOurs, std::move(seed)};
  seed->fresh_us = std::min(seed->fresh_us, ModifiedUs(path));
  return {Whose::kSetBack, std::move(seed)};
}

// Until the new note is written, a run that is killed must not leave a file of ours that looks like somebody's.
void MarkSeedAsReplaced(const std::filesystem::path& path) {
  std::optional<Note> note = ParsedNote(path);
  if (!note) note.emplace();
  note->replaced = true;
  WriteCheckedNote(SeedNotePath(path), nlohmann::json(*note));
}

void ForgetSeedNote(const std::filesystem::path& note) {
  Note unknown;
  unknown.replaced = true;
  WriteCheckedNote(note, nlohmann::json(unknown));
}

}  // namespace rotv::launch
