#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/launch/seed_file.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "sync/snapshots.h"

namespace rotv {
namespace {

int RunSeed(const program::Invocation& call, const std::string& name) {
  config::AppConfig app = call.config.App();
  std::string asked = call.options.source;
  std::string snapshot = name;
  // "rotv seed staging" names a source if there is one of that name.
  if (asked.empty()) {
    for (const SourceConfig& other : call.config.Sources()) {
      if (other.name == name) std::swap(asked, snapshot);
    }
  }
  if (!snapshot.empty()) CheckSnapshotName(snapshot);
  SourceConfig source = call.config.Source(asked);
  config::OpenHome(call.home);
  Context context{source, call.home, call.progress, call.interrupt};
  launch::Seed seed = launch::PrepareSeed(context, {.snapshot = "head", .compression = app.compression, .pull = true});
  if (seed.is_foreign) {
    throw Error(ErrorCode::kUnreachable, fmt::format("no seed was written, since {} does not answer", source.name),
                fmt::format("try again; rotv start goes on with {}, which somebody put there", seed.path.native()));
  }
  if (!snapshot.empty()) CreateSnapshot(context, snapshot, seed.point.lsn.ToString());
  output::Json document;
  document["path"] = seed.path.native();
  document["source"] = seed.source;
  document["lsn"] = seed.point.lsn.ToString();
  document["source_time"] = output::IsoTime(seed.point.time_us);
  document["bytes"] = seed.sql_bytes;
  document["written"] = seed.written;
  document["kept_as"] = snapshot.empty() ? output::Json() : output::Json(snapshot);
  call.output.Result(
      fmt::format("{} {}: {} as it was at {} ({}), {} of SQL.\n{}", seed.written ? "Wrote" : "Nothing changed in",
                  output::OneLine(seed.path.native()), seed.source, seed.point.lsn.ToString(),
                  output::HumanTime(seed.point.time_us), output::HumanBytes(seed.sql_bytes),
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
      "  rotv seed before-release           # also keeps it as a snapshot\n"
      "  rotv seed staging                  # the seed of another source");
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "A snapshot to keep this state as, or a source of rotv.toml")->type_name("NAME");
  return {[name](const program::Invocation& call) { return RunSeed(call, *name); }, nullptr};
}

}  // namespace rotv
