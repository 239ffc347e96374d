#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/migrations/drift_check.h"
#include "cli/report/drift_report.h"
#include "cli/rotv/command.h"
#include "os/clock.h"
#include "storage/error.h"

namespace rotv {
namespace {

struct Flags {
  std::string snapshot;
  std::string migrations;
};

int RunValidateSchema(const program::Invocation& call, const RuntimeOption& runtime, const Flags& flags) {
  const launch::Project project = ProjectOf(call, runtime);
  config::AppConfig app = AppOf(call, project);
  config::DriftConfig config = call.config.Drift();
  if (!flags.migrations.empty()) {
    config.migrations =
        std::filesystem::absolute(config::ExpandTilde(flags.migrations, call.environment)).lexically_normal();
  }
  SourceConfig source = call.config.Source();
  config::OpenHome(call.home);
  Context context{source, call.home, call.progress, call.interrupt};
  migrations::DriftCheck check = migrations::CheckDrift(
      {.context = context,
       .app = app,
       .config = config,
       .progress = call.progress,
       .make_runtime =
           [&](const std::filesystem::path& home) { return ScratchRuntime(call, runtime, app, project, home); }},
      flags.snapshot.empty() ? "head" : flags.snapshot);
  call.output.Result(report::DriftText(check, source.name, call.style), report::DriftJson(check, source.name));
  return check.drift.empty() ? 0 : static_cast<int>(ErrorCode::kSchemasDiffer);
}

}  // namespace

program::Command DeclareValidateSchema(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Compare the schema of the seed with what the application's migrations build");
  app.footer(
      "Loads both into a temporary server. Differences in order, formatting and generated names do not\n"
      "count. Exits with 0 if the schemas are equal, and with 9 if they differ.\n\n"
      "Examples:\n"
      "  rotv validate-schema\n"
      "  rotv validate-schema --migrations db/migrations\n"
      "  rotv --json --runtime local validate-schema | jq .different");
  auto flags = std::make_shared<Flags>();
  app.add_option("--snapshot", flags->snapshot,
                 "The schema at head (the default), at a snapshot, a time or a WAL position")
      ->type_name("POINT");
  app.add_option("--migrations", flags->migrations, "The directory of SQL files (default: the one in rotv.toml)")
      ->type_name("DIR");
  return {[flags, &runtime](const program::Invocation& call) { return RunValidateSchema(call, runtime, *flags); },
          nullptr};
}

}  // namespace rotv
