#include "cli/launch/seed_file.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output/format.h"
#include "cli/output/json_record.h"
#include "cli/output/output.h"
#include "os/file_fingerprint.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
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
  std::string baseline;  // Names the store: the LSN and time of its baseline.
  std::string source;
  std::string snapshot;
  std::string lsn;
  int64_t data_time_us = 0;
  uint64_t sql_bytes = 0;
  std::set<std::string> roles;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Note, file, baseline, source, snapshot, lsn, data_time_us, sql_bytes,
                                                roles)

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
  const std::optional<nlohmann::json> record = output::ReadJsonRecord(NotePath(path));
  if (!record) return std::nullopt;
  try {
    const Note note = record->get<Note>();
    const std::optional<Lsn> lsn = Lsn::Parse(note.lsn);
    if (!lsn || note.file != os::FileFingerprint(path)) return std::nullopt;
    Seed seed{.path = path,
              .source = note.source,
              .snapshot = note.snapshot,
              .point = {.lsn = *lsn, .time_us = note.data_time_us},
              .sql_bytes = note.sql_bytes,
              .roles = note.roles};
    if (!ReadBaselineName(note.baseline, seed.point)) return std::nullopt;
    return seed;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void WriteNote(const Seed& seed) {
  const Note note{.file = os::FileFingerprint(seed.path).value_or(""),
                  .baseline = BaselineName(seed.point),
                  .source = seed.source,
                  .snapshot = seed.snapshot,
                  .lsn = seed.point.lsn.ToString(),
                  .data_time_us = seed.point.time_us,
                  .sql_bytes = seed.sql_bytes,
                  .roles = seed.roles};
  WriteFileAtomically(NotePath(seed.path), output::JsonText(nlohmann::json(note)));
}

// True for an error of the source, which does not concern what is stored here.
bool IsTheSources(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kRefused ||
         error.code() == ErrorCode::kSlotLost;
}

void Refresh(const Context& context) {
  try {
    Pull(context);
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
      TakeMissingBaseline(context);
    } catch (const Error& error) {
      if (!there || !IsTheSources(error)) throw;
      context.progress.Warn(fmt::format("using the existing seed: {} ({})", error.what(), error.hint()));
      return *there;
    }
  } else if (request.pull && !context.source.imported) {
    Refresh(context);
  }
  // The name is resolved once: a seed that is there and one that is written are of the same point.
  const auto is_there = [&](const history::ResolvedPoint& point) {
    return there && there->point.lsn == point.lsn && BaselineName(there->point) == BaselineName(point);
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
            .roles = made.roles};
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
