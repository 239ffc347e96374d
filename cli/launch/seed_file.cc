#include "cli/launch/seed_file.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output/format.h"
#include "cli/output/output.h"
#include "os/file_fingerprint.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/baseline.h"
#include "sync/pull.h"
#include "sync/snapshots.h"

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
  Seed seed;
  std::string baseline;  // Names the store: the LSN and time of its baseline.
};

std::string BaselineName(const NamedPoint& point) {
  return fmt::format("{} {}", point.baseline_lsn.ToString(), point.baseline_time_us);
}

// Returns nothing if there is no note, or if the seed is no longer the file that the note describes.
std::optional<Note> ReadNote(const std::filesystem::path& path) {
  std::ifstream file(NotePath(path));
  output::Json document = output::Json::parse(file, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  try {
    if (document.at("file").get<std::string>() != os::FileFingerprint(path)) return std::nullopt;
    Note note;
    note.baseline = document.at("baseline");
    note.seed.path = path;
    note.seed.source = document.at("source");
    note.seed.snapshot = document.at("snapshot");
    note.seed.data_time_us = document.at("data_time_us");
    note.seed.sql_bytes = document.at("sql_bytes");
    note.seed.roles = document.value("roles", std::set<std::string>());
    std::optional<Lsn> lsn = Lsn::Parse(document.at("lsn").get<std::string>());
    if (!lsn) return std::nullopt;
    note.seed.lsn = *lsn;
    return note;
  } catch (const output::Json::exception&) {
    return std::nullopt;
  }
}

void WriteNote(const Note& note) {
  WriteFileAtomically(NotePath(note.seed.path),
                      output::JsonText(output::Json{{"file", os::FileFingerprint(note.seed.path).value_or("")},
                                                    {"baseline", note.baseline},
                                                    {"source", note.seed.source},
                                                    {"snapshot", note.seed.snapshot},
                                                    {"lsn", note.seed.lsn.ToString()},
                                                    {"data_time_us", note.seed.data_time_us},
                                                    {"sql_bytes", note.seed.sql_bytes},
                                                    {"roles", note.seed.roles}}));
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
  std::optional<Note> note = ReadNote(path);
  if (note && note->seed.source != context.source.name) note.reset();
  if (!HasBaseline(context)) {
    try {
      TakeMissingBaseline(context);
    } catch (const Error& error) {
      if (!note || !IsTheSources(error)) throw;
      context.progress.Warn(fmt::format("using the existing seed: {} ({})", error.what(), error.hint()));
      return note->seed;
    }
  } else if (request.pull && !context.source.imported) {
    Refresh(context);
  }
  NamedPoint wanted = FindSnapshot(context, request.snapshot);
  if (note && note->seed.lsn == wanted.lsn && note->baseline == BaselineName(wanted)) return note->seed;

  MaterializeResult made = Materialize(context, {.output = path,
                                                 .at = {},
                                                 .snapshot = request.snapshot,
                                                 .compression = request.compression,
                                                 .psql_version = request.psql_version});
  Note written{.seed = {.path = path,
                        .source = context.source.name,
                        .snapshot = request.snapshot,
                        .lsn = made.lsn,
                        .data_time_us = made.source_time_us,
                        .sql_bytes = made.bytes,
                        .written = true,
                        .roles = made.roles},
               .baseline = BaselineName(wanted)};
  WriteNote(written);
  return written.seed;
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
