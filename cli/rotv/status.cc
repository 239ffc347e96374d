// The commands status, about this project's application, and list, about all that were started in this home directory.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/http_probe.h"
#include "cli/launch/launch_state.h"
#include "cli/output/format.h"
#include "cli/output/terminal.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

// What is known of a project's application.
struct ApplicationStatus {
  launch::Project project;
  std::optional<launch::LaunchState> state;  // What the last start wrote down.
  std::string runtime;
  std::string name;     // "running", "starting", "ended", "stopped"; "unknown": its runtime does not answer.
  std::string silence;  // Why it runs and does not answer; empty if it does, or if there is no application.

  bool is_well() const { return name == "running" && silence.empty(); }
};

const char* StateName(launch::RunState found, const std::optional<launch::LaunchState>& state) {
  if (found == launch::RunState::kRunning) return state && state->ready ? "running" : "starting";
  return found == launch::RunState::kEnded ? "ended" : "stopped";
}

std::string Silence(const launch::LaunchState& state) {
  if (state.health.empty()) return "";
  const launch::HttpResponse answer = launch::ProbeHttp(state.port, state.health);
  return answer.answers() ? "" : answer.reason();
}

ApplicationStatus StatusOf(const program::Invocation& call, const RuntimeOption& option, const launch::Project& project,
                           const config::AppConfig& app) {
  ApplicationStatus status{
      .project = project, .state = launch::ReadLaunchState(project.place), .runtime = {}, .name = {}, .silence = {}};
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app, project);
  status.runtime = runtime->name();
  status.name = StateName(runtime->State(), status.state);
  if (status.name == "running") status.silence = Silence(*status.state);
  return status;
}

std::string DataOf(const launch::LaunchState& state) {
  if (!state.saved.empty()) return fmt::format("saved data {}, no state of production", state.saved);
  if (!state.seed_file.empty()) {
    return fmt::format("{} as it was there, of {}", output::OneLine(state.seed_file),
                       output::HumanTime(state.data_time_us));
  }
  if (state.source.empty()) return "the persistent cluster";
  return fmt::format("{}{} as it was at {} ({})", state.subset ? "a subset of " : "", state.source, state.lsn,
                     output::HumanTime(state.data_time_us));
}

std::string StatusText(const ApplicationStatus& status) {
  if (status.name == "stopped") return "Not running. rotv start starts it.\n";
  if (status.name == "ended") {
    return "The application ended by itself. rotv logs says why; rotv start starts it again.\n";
  }
  if (status.name == "starting") {
    return "Starting, or left over from a start that was killed: rotv start starts again.\n";
  }
  const launch::LaunchState& state = *status.state;
  std::string text = fmt::format("Running: {}\n", launch::UrlOf(state));
  if (!status.silence.empty()) {
    text += fmt::format("  but it does not answer at {}: {}; see rotv logs\n", state.health, status.silence);
  }
  return text + fmt::format("  name     {}\n  data     {}\n  runtime  {}{}\n  started  {}\n", status.project.name,
                            DataOf(state), state.runtime, state.persistent ? ", persistent" : "",
                            output::HumanTime(state.started_time_us));
}

output::Json StatusJson(const ApplicationStatus& status) {
  output::Json document;
  document["name"] = status.project.name;
  document["directory"] = status.project.directory.native();
  document["state"] = status.name;
  document["runtime"] = status.runtime;
  if (status.name != "running") return document;
  const launch::LaunchState& state = *status.state;
  document["url"] = launch::UrlOf(state);
  document["answers"] = status.silence.empty();
  AddData(state, &document);
  document["started"] = output::IsoTime(state.started_time_us);
  return document;
}

int RunStatus(const program::Invocation& call, const RuntimeOption& option) {
  const launch::Project project = ProjectOf(call, option);
  const ApplicationStatus status = StatusOf(call, option, project, AppToActOn(call, project));
  call.output.Result(StatusText(status), StatusJson(status));
  return status.is_well() ? 0 : static_cast<int>(ErrorCode::kCannotStart);
}

// The configs of other projects are not read: what their starts wrote down is enough.
ApplicationStatus StatusByRecord(const program::Invocation& call, const launch::Project& project,
                                 const launch::LaunchState& state) {
  config::AppConfig app;
  app.directory = state.directory;
  app.database = state.database;
  app.database_port = state.database_port;
  try {
    return StatusOf(call, {.name = state.runtime, .project = {}}, project, app);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    call.progress.Warn(fmt::format("{}: {}", project.name, error.what()));
    return {.project = project, .state = state, .runtime = state.runtime, .name = "unknown", .silence = {}};
  }
}

std::string ListText(const std::vector<ApplicationStatus>& all) {
  if (all.empty()) return "Nothing runs here.\n";
  size_t width = 0;
  for (const ApplicationStatus& one : all) width = std::max(width, one.project.name.size());
  std::string text;
  for (const ApplicationStatus& one : all) {
    const std::string state = one.name == "running" && !one.silence.empty() ? "silent" : one.name;
    text += fmt::format("{}  {:<8}  {}  {}{}\n", output::PadRight(one.project.name, width), state,
                        one.state->health.empty() ? "only the database" : launch::UrlOf(*one.state),
                        output::OneLine(one.project.directory.native()), one.state->persistent ? "  (persistent)" : "");
  }
  return text;
}

int RunList(const program::Invocation& call) {
  std::vector<ApplicationStatus> all;
  output::Json document = output::Json::array();
  for (const launch::Project& project : launch::KnownProjects(call.home)) {
    const std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
    if (!state) continue;
    ApplicationStatus status = StatusByRecord(call, project, *state);
    if (status.name == "stopped") continue;
    document.push_back(StatusJson(status));
    all.push_back(std::move(status));
  }
  call.output.Result(ListText(all), output::Json{{"applications", document}});
  return 0;
}

}  // namespace

program::Command DeclareStatus(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Show what runs, and on which data");
  app.footer("Exits with 0 only if it runs and answers, else with 12.\n\nExamples:\n  rotv status --json");
  return {[&runtime](const program::Invocation& call) { return RunStatus(call, runtime); }, nullptr};
}

program::Command DeclareList(CLI::App& app, const RuntimeOption& /*runtime*/) {
  app.description("Show all applications that run here, of every project");
  app.footer(
      "rotv --name NAME COMMAND works on one of them, from any directory.\n\n"
      "Examples:\n"
      "  rotv list");
  return {[](const program::Invocation& call) { return RunList(call); }, nullptr};
}

}  // namespace rotv
