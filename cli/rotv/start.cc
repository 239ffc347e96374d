#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/launch/env_example.h"
#include "cli/launch/fresh_place.h"
#include "cli/launch/saved_data.h"
#include "cli/launch/seed_file.h"
#include "cli/migrations/drift_check.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "cli/schedule/job.h"
#include "os/clock.h"
#include "storage/error.h"
#include "storage/workspace.h"

namespace rotv {
namespace {

std::string NameOf(launch::DataFrom from) {
  switch (from) {
    case launch::DataFrom::kSeed:
      return "seed";
    case launch::DataFrom::kWarm:
      return "warm";
    case launch::DataFrom::kCarried:
      return "carried";
    case launch::DataFrom::kSaved:
      return "saved";
  }
  return "";
}

// Where the data came from, in words.
std::string FromText(const launch::LaunchResult& result) {
  if (!result.from) return "";
  switch (*result.from) {
    case launch::DataFrom::kSeed:
      return "imported from the seed";
    case launch::DataFrom::kWarm:
    case launch::DataFrom::kSaved:
      return "from a warm cluster";
    case launch::DataFrom::kCarried:
      return fmt::format("from the warm cluster of {}, {} carried", result.carried_from.ToString(),
                         output::Counted(result.carried_rows, "row", "rows"));
  }
  return "";
}

std::string StartText(const launch::LaunchResult& result) {
  const launch::LaunchState& state = result.state;
  if (result.already_running) {
    return fmt::format("Already running ({}): {}\n  {}\n  rotv restart starts it again on clean data.\n", state.runtime,
                       launch::UrlOf(state), DataText(state));
  }
  std::string text = result.application ? fmt::format("Running: {}\n", launch::UrlOf(state))
                                        : std::string("Running: only the database (rotv psql)\n");
  text += fmt::format("  {}\n", DataText(state));
  size_t width = 0;
  for (const launch::TableCount& table : result.tables)
    width = std::max(width, output::DisplayWidth(output::OneLine(table.name)));
  for (const launch::TableCount& table : result.tables) {
    text +=
        fmt::format("  {}  {:>12} {}\n", output::PadRight(output::OneLine(table.name), width),
                    (table.exact ? "" : "about ") + output::HumanCount(table.rows), table.rows == 1 ? "row" : "rows");
  }
  const std::string from = FromText(result);
  text += fmt::format("Started with {} in {}{}{}.\n", result.runtime, output::HumanDuration(result.seconds),
                      result.seed_seconds >= 1
                          ? fmt::format(", {} of it for the seed", output::HumanDuration(result.seed_seconds))
                          : "",
                      from.empty() ? "" : "; " + from);
  return text;
}

output::Json StartJson(const launch::LaunchResult& result) {
  const launch::LaunchState& state = result.state;
  output::Json document;
  document["already_running"] = result.already_running;
  document["runtime"] = state.runtime;
  document["url"] = result.application ? output::Json(launch::UrlOf(state)) : output::Json();
  document["port"] = state.port;
  AddData(state, &document);
  document["tables"] = output::Json::array();
  for (const launch::TableCount& table : result.tables) {
    document["tables"].push_back(output::Json{{"name", table.name}, {"rows", table.rows}, {"exact", table.exact}});
  }
  document["from"] = result.from ? output::Json(NameOf(*result.from)) : output::Json();
  document["clone"] = result.clone.empty() ? output::Json() : output::Json(result.clone);
  const bool carried = result.from == launch::DataFrom::kCarried;
  document["carried_from"] = carried ? output::Json(result.carried_from.ToString()) : output::Json();
  document["carried_rows"] = result.carried_rows;
  document["carry_seconds"] = result.carry_seconds;
  document["seed_seconds"] = result.seed_seconds;
  document["seconds"] = result.seconds;
  return document;
}

// Warns if the schemas differ. A comparison that fails is a warning too: it does not fail the start.
void WarnOfDrift(const program::Invocation& call, const RuntimeOption& option, const launch::Project& project,
                 const config::AppConfig& app, const history::ResolvedPoint& point) {
  config::DriftConfig config = call.config.Drift();
  if (!config.warn_at_start) return;
  try {
    SourceConfig source = call.config.Source();
    Context context{source, call.home, call.progress, call.interrupt};
    std::string warning = migrations::DriftWarning(
        {.context = context,
         .app = app,
         .config = config,
         .progress = call.progress,
         .make_runtime =
             [&](const std::filesystem::path& home) { return ScratchRuntime(call, option, app, project, home); }},
        point);
    if (!warning.empty()) call.progress.Warn(warning);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    call.progress.Warn(fmt::format("seed and migrations could not be compared: {}", error.what()));
  }
}

// PERSISTENT_DATA of the shell, else of the application's .env.
bool WantsPersistentData(const program::Invocation& call, const config::AppConfig& app) {
  std::string value = os::Variable(call.environment, "PERSISTENT_DATA");
  if (value.empty()) {
    const os::Environment variables =
        launch::ReadAppEnvironment(app.directory, app.env_file, call.environment, call.config.Variables()).variables;
    value = os::Variable(variables, "PERSISTENT_DATA");
  }
  return value == "true" || value == "1";
}

// Options that are not given do not ask for anything: what runs may have been started with others.
void RequireWhatWasAskedFor(const program::Invocation& call, const RuntimeOption& option, const StartFlags& flags,
                            const config::AppConfig& app, const launch::LaunchState& state) {
  std::vector<std::string> differences;
  const auto compare = [&](bool asked, const std::string& what, const auto& runs, const auto& wanted) {
    if (asked && runs != wanted) differences.push_back(fmt::format("{} is {}, not {}", what, runs, wanted));
  };
  compare(!state.directory.empty(), "the application", state.directory, app.directory.native());
  compare(!state.database.empty(), "the database", state.database, app.database);
  compare(!option.name.empty(), "the runtime", state.runtime, option.name);
  compare(!call.options.source.empty() && !state.source.empty(), "the source", state.source, call.options.source);
  compare(!flags.snapshot.empty(), "the snapshot", state.snapshot, flags.snapshot);
  compare(flags.port != 0, "the port", state.port, flags.port);
  if (flags.subset && !state.source.empty()) {
    if (!state.subset) {
      differences.emplace_back("it has all rows, not a subset");
    } else if (!state.subset_made_by.empty() &&
               state.subset_made_by != SubsetFingerprint(call.config.Source().subset)) {
      differences.emplace_back("its subset was made by another [subset] than that of rotv.toml");
    }
  }
  if (app.persistent && !state.persistent) differences.emplace_back("its data is not persistent");
  if (flags.pull) differences.push_back(fmt::format("its data stays as it was at {}", state.lsn));
  if (differences.empty()) return;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("another application or other data runs already: {}", fmt::join(differences, "; ")),
      "rotv start --replace starts what is asked for in its place; rotv --name NAME start starts it beside that; "
      "rotv stop ends it");
}

}  // namespace

std::string DataText(const launch::LaunchState& state) {
  if (!state.saved.empty()) {
    return fmt::format("saved data {}, no state of production{}", state.saved,
                       state.source.empty() ? "" : fmt::format(" (made from {})", state.source));
  }
  if (!state.seed_file.empty()) {
    return fmt::format("the seed {} as it was there, of {}", output::OneLine(state.seed_file),
                       output::HumanTime(state.data_time_us));
  }
  if (state.source.empty()) return "the data of the persistent cluster, as it was left";
  return fmt::format("{}{} as it was at {} ({}){}", state.subset ? "a subset of " : "", state.source, state.lsn,
                     output::HumanTime(state.data_time_us),
                     state.snapshot == "head" ? "" : fmt::format(", snapshot {}", state.snapshot));
}

void RequireNotSavedData(const std::string& saved) {
  if (saved.empty()) return;
  throw Error(ErrorCode::kUsage, fmt::format("{} is saved data, which has the rows that it has", saved),
              "leave out --subset");
}

std::optional<SourceConfig> SourceOrNone(const program::Invocation& call, const std::string& snapshot, bool pull) {
  const bool has_none =
      call.options.source.empty() && call.config.ConfiguredSources().empty() && ImportedSources(call.home).empty();
  if (has_none && !pull && launch::HasSeedWithoutSource(call.home, snapshot)) return std::nullopt;
  return call.config.Source();
}

void AddStartFlags(CLI::App& app, StartFlags* flags) {
  app.add_option(
         "--snapshot", flags->snapshot,
         "The data at head (the default), at a snapshot, a time or a WAL position, or saved data; SOURCE:NAME too")
      ->type_name("POINT");
  app.add_flag("--subset", flags->subset, "Only the rows that [subset] of the config asks for");
  app.add_flag("--persistent", flags->persistent, "Keep the database in HOME/pgdata (also PERSISTENT_DATA=true)");
  app.add_flag("--pull", flags->pull, "Bring the store up to date with the source first");
  app.add_option("--port", flags->port, "The application's port on 127.0.0.1 (default: 8080)")
      ->type_name("N")
      ->check(CLI::Range(1, 65535));
  app.add_flag("--wait", flags->wait, "Wait for the application without a time limit");
}

launch::LaunchResult StartApplication(const program::Invocation& call, const RuntimeOption& option,
                                      const StartFlags& flags) {
  launch::Project project = ProjectOf(call, option);
  config::AppConfig app = AppOf(call, project);
  project.directory = call.config.ProjectDirectory();  // A name that is another directory's is refused.
  if (flags.persistent || WantsPersistentData(call, app)) app.persistent = true;
  if (flags.port != 0) app.port = flags.port;
  config::OpenHome(call.home);
  launch::RemoveLeftFresh(call.home, call.environment, call.progress, call.interrupt);
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app, project);
  const std::string snapshot = flags.snapshot.empty() ? "head" : flags.snapshot;
  const std::string saved = launch::IsSaved(call.home, snapshot) ? snapshot : "";
  if (flags.subset) RequireNotSavedData(saved);
  launch::LaunchResult result =
      launch::Launch({.home = call.home,
                      .project = project,
                      .app = app,
                      .environment = call.environment,
                      .env_files = call.config.Variables(),
                      .runtime = *runtime,
                      .progress = call.progress,
                      .interrupt = call.interrupt,
                      .read_source = [&] { return SourceOrNone(call, snapshot, flags.pull); }},
                     {.snapshot = snapshot,
                      .subset = flags.subset,
                      .pull = flags.pull,
                      .wait = flags.wait,
                      .replace = flags.replace,
                      .saved = saved});
  const launch::LaunchState& state = result.state;
  const bool is_left = state.source.empty() && state.seed_file.empty() && state.saved.empty();
  if (flags.subset && is_left) {
    call.progress.Warn("--subset has no effect: the persistent cluster has the rows that it was left with");
  }
  if (result.already_running) RequireWhatWasAskedFor(call, option, flags, app, state);
  if (!result.already_running && !state.source.empty() && saved.empty()) {
    WarnOfDrift(call, option, project, app, result.point);
  }
  return result;
}

int RunStart(const program::Invocation& call, const RuntimeOption& option, const StartFlags& flags) {
  const launch::LaunchResult result = StartApplication(call, option, flags);
  const launch::LaunchState& state = result.state;
  if (std::string warning =
          schedule::ScheduleWarning(call.home, state.source, state.data_time_us, os::NowMicroseconds());
      state.snapshot == "head" && !warning.empty()) {
    call.progress.Warn(warning);
  }
  call.output.Result(StartText(result), StartJson(result));
  return 0;
}

void RestartOnSameData(const program::Invocation& call, const RuntimeOption& option, const launch::LaunchState& state) {
  // The head may have moved on since.
  const bool is_head = state.saved.empty() && state.snapshot == "head" && !state.lsn.empty();
  const StartFlags flags{.snapshot = is_head ? state.lsn : state.snapshot,
                         .subset = state.subset,
                         .persistent = false,
                         .pull = false,
                         .port = state.port,
                         .wait = false,
                         .replace = true};
  launch::LaunchState started = StartApplication(call, {.name = state.runtime, .project = option.project}, flags).state;
  started.snapshot = state.snapshot;
  launch::WriteLaunchState(ProjectOf(call, option).place, started);
}

program::Command DeclareStart(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Start the application on the seed, clean at every start");
  app.footer(
      "Takes the baseline if there is none, clones a warm cluster of an earlier start and carries it to the\n"
      "wanted state, or imports the seed, and returns when database and application answer.\n\n"
      "Examples:\n"
      "  rotv start\n"
      "  rotv start --pull --port 3000\n"
      "  rotv start --subset                # a small part of the rows, by [subset] of rotv.toml\n"
      "  rotv --runtime local start         # without a container");
  auto flags = std::make_shared<StartFlags>();
  AddStartFlags(app, flags.get());
  app.add_flag("--replace", flags->replace, "Stop what runs, and start what is asked for in its place");
  return {[flags, &runtime](const program::Invocation& call) { return RunStart(call, runtime, *flags); }, nullptr};
}

}  // namespace rotv
