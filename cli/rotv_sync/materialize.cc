#include "sync/materialize.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/launch/seed_check.h"
#include "cli/launch/seed_file.h"
#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

struct MaterializeFlags {
  CLI::Option* output_option = nullptr;
  CLI::Option* at_option = nullptr;
  CLI::Option* snapshot_option = nullptr;
  std::string output;
  std::string at;
  std::string snapshot;
  std::string compress;
  std::string restrict_commands = "auto";
  bool no_clean = false;
  bool older_tables = false;
  bool check = false;
  bool owner = false;
  bool acl = false;
  bool subset = false;
};

// By the end of a file's name.
Compression CompressionOf(const std::string& path) {
  if (path.ends_with(".zst")) return Compression::kZstd;
  return path.ends_with(".gz") ? Compression::kGzip : Compression::kNone;
}

MaterializeOptions OptionsFrom(const MaterializeFlags& flags, Compression by_default) {
  if (flags.output_option->count() > 0 && flags.output.empty()) {
    throw Error(ErrorCode::kUsage, "--output is empty", "give a path, or - for stdout, or leave it out");
  }
  if (flags.at_option->count() > 0 && flags.at.empty()) {
    throw Error(ErrorCode::kUsage, "--at is empty",
                "give an LSN (16/B374D848), a time (2026-11-23T16:42:50Z) or a name");
  }
  if (flags.snapshot_option->count() > 0 && flags.snapshot.empty()) {
    throw Error(ErrorCode::kUsage, "--snapshot is empty", "give the name of a snapshot, or leave it out for head");
  }
  if (flags.check && flags.output == "-") {
    throw Error(ErrorCode::kUsage, "--check needs a file to import", "write to a file: --output PATH --check");
  }
  if (flags.check && (flags.owner || flags.acl)) {
    throw Error(ErrorCode::kUsage, "--check imports as one ordinary role, which cannot give objects to other roles",
                "check a seed without --owner and --acl: it has the same objects and rows");
  }
  MaterializeOptions options;
  options.owners = flags.owner;
  options.privileges = flags.acl;
  options.subset = flags.subset;
  options.output = flags.output;
  if (!flags.at.empty()) options.point = flags.at;
  if (!flags.snapshot.empty()) options.point = flags.snapshot;
  options.clean = !flags.no_clean;
  if (flags.older_tables) options.in_gap = history::InGap::kOlderTables;
  if (flags.restrict_commands == "always") options.restrict_commands = postgres::Restrict::kAlways;
  if (flags.restrict_commands == "never") options.restrict_commands = postgres::Restrict::kNever;
  // The default applies to the default path only: a path that is given says what is wanted, and psql reads a pipe.
  if (flags.compress.empty()) options.compression = flags.output.empty() ? by_default : CompressionOf(flags.output);
  if (flags.compress == "zstd") options.compression = Compression::kZstd;
  if (flags.compress == "gzip") options.compression = Compression::kGzip;
  if (flags.output == "-" && options.compression != Compression::kNone && isatty(STDOUT_FILENO) == 1) {
    throw Error(ErrorCode::kUsage, "compressed data would go to the terminal",
                "redirect it: rotv-sync materialize --output - --compress zstd > seed.sql.zst");
  }
  return options;
}

}  // namespace

MaterializeResult WriteSeedAndNote(const program::Session& session, MaterializeOptions options) {
  if (!options.output.empty()) return Materialize(session.context, options);
  options.is_there = [&](const std::filesystem::path& path, const history::ResolvedPoint& /*point*/) {
    launch::BeginSeed(path, session.progress);
    return false;
  };
  MaterializeResult result = Materialize(session.context, options);
  launch::NoteSeed(session.context, result, options.point);
  return result;
}

double CheckImports(const program::Session& session, const MaterializeResult& result) {
  return launch::CheckSeedImports({.context = session.context,
                                   .app = session.call.config.App(),
                                   .progress = session.progress,
                                   .environment = session.call.environment,
                                   .seed = result.path,
                                   .sql_bytes = result.bytes,
                                   .roles = result.roles,
                                   .facts = result.facts});
}

namespace {

int RunMaterialize(const MaterializeFlags& flags, const program::Session& session) {
  const MaterializeOptions options = OptionsFrom(flags, session.seed_compression);
  MaterializeResult result = WriteSeedAndNote(session, options);
  std::string path = result.path == "-" ? "stdout" : result.path.native();
  std::string text =
      fmt::format("Wrote {}: {}{} as it was at {} ({}): {}, {}, {} of SQL in {}.\n", output::OneLine(path),
                  result.subset.empty() ? "" : "a subset of ", session.context.source.name, result.point.lsn.ToString(),
                  output::HumanTime(result.point.time_us), output::Counted(result.tables, "table", "tables"),
                  output::Counted(result.rows, "row", "rows"), output::HumanBytes(result.bytes),
                  output::HumanDuration(result.seconds));
  std::optional<double> check_seconds;
  if (flags.check) {
    check_seconds = CheckImports(session, result);
    text += fmt::format("It imports: tried on a scratch server in {}.\n", output::HumanDuration(*check_seconds));
  }
  output::Json document;
  document["path"] = result.path.native();
  document["lsn"] = result.point.lsn.ToString();
  document["source_time"] = output::IsoTime(result.point.time_us);
  document["tables"] = result.tables;
  document["rows"] = result.rows;
  document["bytes"] = result.bytes;
  document["seconds"] = result.seconds;
  document["restricted"] = result.restricted;
  document["older_tables"] = result.older_tables;
  document["subset"] = result.subset.empty() ? output::Json() : output::Json(result.subset);
  document["check_seconds"] = check_seconds ? output::Json(*check_seconds) : output::Json();
  // When the seed goes to stdout the summary goes to stderr, where --quiet asks for less.
  bool silent = flags.output == "-" && session.verbosity == output::Verbosity::kQuiet &&
                session.output.form() == output::Output::Form::kText;
  if (!silent) session.output.Result(text, document);
  return 0;
}

}  // namespace

program::SyncCommand DeclareMaterialize(CLI::App& app) {
  auto flags = std::make_shared<MaterializeFlags>();
  app.description("Write the seed: plain SQL that builds the database as it was at one point");
  flags->output_option =
      app.add_option("--output", flags->output,
                     "The file to write; - is stdout (default: HOME/seed-data.sql, with the names of point and "
                     "source if they are others)")
          ->type_name("PATH|-");
  flags->at_option =
      app.add_option("--at", flags->at, "The state at a time, a WAL position or a snapshot")->type_name("POINT");
  flags->snapshot_option =
      app.add_option("--snapshot", flags->snapshot, "The same: a snapshot, head (the default) or baseline")
          ->type_name("POINT");
  flags->at_option->excludes(flags->snapshot_option);
  app.add_option("--compress", flags->compress,
                 "zstd, gzip or none (default: by the end of --output, .zst or .gz; without --output "
                 "ROTV_SEED_COMPRESSION, or the config's)")
      ->type_name("HOW")
      ->check(CLI::IsMember({"zstd", "gzip", "none"}));
  app.add_option("--restrict", flags->restrict_commands,
                 "always, never or auto: whether the seed begins with \\restrict, so that psql runs no meta-command in "
                 "it (auto, the default: unless the psql here does not know \\restrict)")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--older-tables", flags->older_tables,
               "Take a moment between two pulls also if tables that are not streamed changed there: those are as they "
               "were at the first pull");
  app.add_flag("--no-clean", flags->no_clean,
               "Without the statements that remove an older import: for empty databases only, as pg_dump without "
               "--clean");
  app.add_flag("--owner", flags->owner,
               "With the owners of objects, for a server that has these roles; asks the source, for its head alone");
  app.add_flag("--acl", flags->acl,
               "With privileges (GRANT), for a server that has these roles; asks the source, for its head alone");
  app.add_flag("--subset", flags->subset,
               "Only the rows where [subset] of the config starts, and those that foreign keys ask for");
  app.add_flag("--check", flags->check,
               "Import what was written into a scratch server; exit code 7 if it cannot be imported");
  app.footer(
      "Needs no connection without --owner and --acl. The old file stays until the new one is complete.\n\n"
      "Examples:\n"
      "  rotv-sync materialize\n"
      "  rotv-sync materialize --check                          # and prove that it imports\n"
      "  rotv-sync materialize --output seed.sql.zst            # compressed\n"
      "  rotv-sync materialize --subset                         # HOME/seed-data+subset.sql\n"
      "  rotv-sync materialize --output - | psql --dbname=scratch\n"
      "  rotv-sync materialize --at 2026-11-23T16:42:50Z --output before.sql\n"
      "  rotv-sync materialize --at \"5m ago\"                   # HOME/seed-data+16-B374D848.sql\n"
      "  rotv-sync materialize --snapshot monday                # HOME/seed-data-monday.sql");
  auto run = [flags](const program::Session& session) { return RunMaterialize(*flags, session); };
  auto takes_stdout = [flags] { return flags->output == "-"; };
  // A seed in the home directory says itself that it cannot be written; a check needs a directory there.
  return {.run = run, .takes_stdout = takes_stdout, .only_reads = [flags] { return !flags->check; }};
}

}  // namespace rotv
