#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/config/home.h"
#include "cli/launch/saved_data.h"
#include "cli/launch/seed_file.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "sync/snapshots.h"

namespace rotv {
namespace {

struct SeedFlags {
  std::string name;
  std::string as;
  bool subset = false;
  CLI::Option* as_option = nullptr;
};

int RunSeed(const program::Invocation& call, const SeedFlags& flags) {
  config::AppConfig app = call.config.App();
  std::string asked = call.options.source;
  std::string snapshot = flags.as;
  const std::vector<SourceConfig> sources = call.config.Sources();
  const bool is_source = std::any_of(sources.begin(), sources.end(),
                                     [&](const SourceConfig& source) { return source.name == flags.name; });
  if (is_source && asked.empty()) {
    asked = flags.name;
  } else if (!flags.name.empty()) {
    // The name may as well be a source's with a typo, and then a snapshot is made that nobody wants.
    if (flags.as_option->count() > 0) (void)call.config.Source(flags.name);  // This throws.
    snapshot = flags.name;
  }
  if (!snapshot.empty() || flags.as_option->count() > 0) CheckNewSnapshotName(snapshot);
  if (!snapshot.empty()) launch::RequireNotSaved(call.home, snapshot);
  SourceConfig source = call.config.Source(asked);
  if (!snapshot.empty() && snapshot == flags.name) {
    call.progress.Warn(
        fmt::format("there is no source {0}: this state of {1} is kept as a snapshot of that name; to say "
                    "so, write rotv seed --as {0}",
                    snapshot, source.name));
  }
  config::OpenHome(call.home);
  Context context{source, call.home, call.progress, call.interrupt};
  if (flags.subset) RequireSubsetStart(source.subset);  // Before it takes minutes to pull.
  launch::Seed seed = launch::PrepareSeed(
      context, {.snapshot = "head", .compression = app.compression, .subset = flags.subset, .pull = true});
  if (seed.is_foreign) {
    throw Error(ErrorCode::kUnreachable, fmt::format("no seed was written, since {} does not answer", source.name),
                fmt::format("try again; rotv start goes on with {}, which was put there by hand", seed.path.native()));
  }
  if (!snapshot.empty()) CreateSnapshot(context, snapshot, seed.point.lsn.ToString());
  output::Json document;
  document["path"] = seed.path.native();
  document["source"] = seed.source;
  document["lsn"] = seed.point.lsn.ToString();
  document["source_time"] = output::IsoTime(seed.point.time_us);
  document["bytes"] = seed.sql_bytes;
  document["written"] = seed.written;
  document["subset"] = seed.subset.empty() ? output::Json() : output::Json(seed.subset);
  document["kept_as"] = snapshot.empty() ? output::Json() : output::Json(snapshot);
  call.output.Result(
      fmt::format("{} {}: {}{} as it was at {} ({}), {} of SQL.\n{}", seed.written ? "Wrote" : "Nothing changed in",
                  output::OneLine(seed.path.native()), seed.subset.empty() ? "" : "a subset of ", seed.source,
                  seed.point.lsn.ToString(), output::HumanTime(seed.point.time_us), output::HumanBytes(seed.sql_bytes),
                  snapshot.empty() ? "" : fmt::format("Kept as snapshot {0}: rotv start --snapshot {0}\n", snapshot)),
      document);
  return 0;
}

}  // namespace

program::Command DeclareSeed(CLI::App& app, const RuntimeOption& /*runtime*/) {
  app.description("Bring the store up to date with the source, and write the seed");
  app.footer(
      "Examples:\n"
      "  rotv seed\n"
      "  rotv seed --as before-release      # also keeps it as a snapshot\n"
      "  rotv seed --subset                 # a small part of the rows, by [subset] of rotv.toml\n"
      "  rotv seed staging                  # the seed of another source");
  auto flags = std::make_shared<SeedFlags>();
  app.add_option("name", flags->name, "A source (a snapshot's name is taken too: better --as)")->type_name("SOURCE");
  flags->as_option = app.add_option("--as", flags->as, "Keep this state as a snapshot, too")->type_name("NAME");
  app.add_flag("--subset", flags->subset, "Only the rows that [subset] of the config asks for");
  return {[flags](const program::Invocation& call) { return RunSeed(call, *flags); }, nullptr};
}

}  // namespace rotv
