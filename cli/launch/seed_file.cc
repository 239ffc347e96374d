#include "cli/launch/seed_file.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/launch/checked_note.h"
#include "cli/launch/facts_note.h"
#include "cli/output/format.h"
#include "os/file_fingerprint.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "sync/baseline.h"
#include "sync/pull.h"

namespace rotv::launch {
namespace {

constexpr const char* kNoteEnding = ".json";

std::filesystem::path SeedPath(const Context& context, const std::string& snapshot, Compression compression) {
  std::string name = "seed-data";
  if (snapshot != "head") name += "-" + snapshot;
  // Names of snapshots and sources cannot have this character.
  if (!context.source.is_default) name += "@" + context.source.name;
  name += ".sql";
  if (compression == Compression::kZstd) name += ".zst";
  if (compression == Compression::kGzip) name += ".gz";
  return context.home / name;
}

std::filesystem::path NotePath(std::filesystem::path seed) { return seed += kNoteEnding; }

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
  nlohmann::json facts;  // JsonOf(); not in a note of an older program.
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Note, file, sum, baseline, source, snapshot, lsn, data_time_us,
                                                sql_bytes, roles, facts)

std::string BaselineName(const history::ResolvedPoint& point) {
  return fmt::format("{} {}", point.baseline_lsn.ToString(), point.baseline_time_us);
}

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

// Returns nothing if there is no note, or if the seed is no longer the file that the note describes.
std::optional<Seed> ReadNote(const std::filesystem::path& path) {
  const std::optional<nlohmann::json> document = ReadCheckedNote(NotePath(path));
  if (!document) return std::nullopt;
  try {
    const Note note = document->get<Note>();
    const std::optional<Lsn> lsn = Lsn::Parse(note.lsn);
    if (!lsn || note.file != os::FileFingerprint(path)) return std::nullopt;
    Seed seed{.path = path,
              .source = note.source,
              .snapshot = note.snapshot,
              .point = {.lsn = *lsn, .time_us = note.data_time_us},
              .sql_bytes = note.sql_bytes,
              .sum = note.sum,
              .roles = note.roles,
              .facts = FactsFrom(note.facts)};
    if (!ReadBaselineName(note.baseline, seed.point)) return std::nullopt;
    return seed;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void WriteNote(const Seed& seed) {
  const Note note{.file = os::FileFingerprint(seed.path).value_or(""),
                  .sum = seed.sum,
                  .baseline = BaselineName(seed.point),
                  .source = seed.source,
                  .snapshot = seed.snapshot,
                  .lsn = seed.point.lsn.ToString(),
                  .data_time_us = seed.point.time_us,
                  .sql_bytes = seed.sql_bytes,
                  .roles = seed.roles,
                  .facts = JsonOf(seed.facts)};
  WriteCheckedNote(NotePath(seed.path), nlohmann::json(note));
}

// Reads the seed: the size and the time that the note has too do not show damage of its bytes.
bool HasItsBytes(const Seed& seed, const Interrupt& interrupt) {
  return seed.sum.empty() || ChecksumText(ChecksumOf(seed.path, [&] { interrupt.Check(); })) == seed.sum;
}

// True for an error of the source, which does not concern what is stored here.
bool IsTheSources(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kRefused ||
         error.code() == ErrorCode::kSlotLost;
}

void Refresh(const Context& context) {
  try {
    const PullResult pulled = Pull(context);
    context.progress.Say(
        pulled.from == pulled.to
            ? fmt::format("pulled from {}: nothing new since {}", context.source.name, pulled.to.ToString())
            : fmt::format("pulled from {}: {} up to {}", context.source.name,
                          output::Counted(pulled.transactions, "transaction", "transactions"), pulled.to.ToString()));
  } catch (const Error& error) {
    if (!IsTheSources(error)) throw;
    context.progress.Warn(fmt::format("the data was not brought up to date: {} ({})", error.what(), error.hint()));
  }
}

}  // namespace

Seed PrepareSeed(const Context& context, const SeedRequest& request) {
  std::filesystem::path path = SeedPath(context, request.snapshot, request.compression);
  std::optional<Seed> there = ReadNote(path);
  if (there && there->source != context.source.name) there.reset();
  if (!HasBaseline(context)) {
    try {
      if (const std::optional<BaselineResult> taken = TakeMissingBaseline(context)) {
        context.progress.Say(
            fmt::format("took the baseline of {}: {} at {}; a replication slot there keeps what comes "
                        "next, and rotv-sync detach removes it",
                        context.source.name, output::Counted(taken->rows, "row", "rows"), taken->lsn.ToString()));
      }
    } catch (const Error& error) {
      if (!there || !IsTheSources(error) || !HasItsBytes(*there, context.interrupt)) throw;
      context.progress.Warn(fmt::format("using the existing seed: {} ({})", error.what(), error.hint()));
      return *there;
    }
  } else if (request.pull && !context.source.imported) {
    Refresh(context);
  }
  // The name is resolved once: a seed that is there and one that is written are of the same point.
  const auto is_there = [&](const history::ResolvedPoint& point) {
    if (!there || there->point.lsn != point.lsn || BaselineName(there->point) != BaselineName(point)) return false;
    if (HasItsBytes(*there, context.interrupt)) return true;
    context.progress.Warn(fmt::format("{} was damaged since it was written: writing it again", path.native()));
    return false;
  };
  MaterializeResult made = Materialize(context, {.output = path,
                                                 .at = {},
                                                 .snapshot = request.snapshot,
                                                 .compression = request.compression,
                                                 .psql_version = request.psql_version,
                                                 .is_there = is_there});
  if (!made.written) return *there;
  Seed seed{.path = path,
            .source = context.source.name,
            .snapshot = request.snapshot,
            .point = made.point,
            .sql_bytes = made.bytes,
            .written = true,
            .sum = ChecksumText(made.checksum),
            .roles = made.roles,
            .facts = made.facts};
  WriteNote(seed);
  return seed;
}

void RemoveSeedOf(const Context& context, const std::string& snapshot) {
  for (Compression compression : {Compression::kNone, Compression::kZstd, Compression::kGzip}) {
    std::filesystem::path path = SeedPath(context, snapshot, compression);
    if (!ReadNote(path)) continue;  // Not ours.
    std::filesystem::remove(path);
    std::filesystem::remove(NotePath(path));
  }
}

std::vector<DamagedFile> FindDamagedSeeds(const std::filesystem::path& home, const Interrupt& interrupt) {
  std::vector<DamagedFile> damaged;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(home, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("seed-data") || !name.ends_with(kNoteEnding)) continue;
    const std::filesystem::path path = home / name.substr(0, name.size() - std::string_view(kNoteEnding).size());
    if (!ReadCheckedNote(entry.path())) {
      damaged.push_back({entry.path(), "it is not what was written"});
    } else if (const std::optional<Seed> seed = ReadNote(path); seed && !HasItsBytes(*seed, interrupt)) {
      damaged.push_back({path, "its bytes have changed, but not its time"});
    }
  }
  return damaged;
}

void ForgetSeeds(const std::filesystem::path& home) {
  for (const auto& entry : std::filesystem::directory_iterator(home)) {
    std::string name = entry.path().filename();
    if (name.starts_with("seed-data") && name.ends_with(kNoteEnding)) std::filesystem::remove(entry.path());
  }
}

int64_t DaysOld(int64_t data_time_us, int64_t now_us) {
  constexpr int64_t kDayUs = int64_t{24} * 60 * 60 * 1'000'000;
  return (now_us - data_time_us) / kDayUs;
}

}  // namespace rotv::launch
