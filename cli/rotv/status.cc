#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/launch/http_probe.h"
#include "cli/launch/launch_state.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

const char* StateName(launch::RunState found, const std::optional<launch::LaunchState>& state) {
  if (found == launch::RunState::kRunning) return state && state->ready ? "running" : "starting";
  return found == launch::RunState::kEnded ? "ended" : "stopped";
}

// Why what runs does not answer; empty if it does, or if there is no application.
std::string Silence(const launch::LaunchState& state) {
  if (state.health.empty()) return "";
  const launch::HttpResponse answer = launch::ProbeHttp(state.port, state.health);
  return answer.answers() ? "" : answer.reason();
}

std::string StatusText(const std::string& name, const std::optional<launch::LaunchState>& state,
                       const std::string& silence) {
  if (name == "stopped") return "Not running. rotv start starts it.\n";
  if (name == "ended") return "The application ended by itself. rotv logs says why; rotv start starts it again.\n";
  if (!state || !state->ready) return "Starting, or left over from a start that was killed: rotv start starts again.\n";
  std::string data = state->source.empty() ? std::string("the persistent cluster")
                                           : fmt::format("{} as it was at {} ({})", state->source, state->lsn,
                                                         output::HumanTime(state->data_time_us));
  std::string text = fmt::format("Running: {}\n", launch::UrlOf(*state));
  if (!silence.empty())
    text += fmt::format("  but it does not answer at {}: {}; see rotv logs\n", state->health, silence);
  return text + fmt::format("  data     {}\n  runtime  {}{}\n  started  {}\n", data, state->runtime,
                            state->persistent ? ", persistent" : "", output::HumanTime(state->started_time_us));
}

int RunStatus(const program::Invocation& call, const RuntimeOption& option) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(call.home);
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, AppToActOn(call));
  std::string name = StateName(runtime->State(), state);
  const std::string silence = name == "running" ? Silence(*state) : "";
  output::Json document;
  document["state"] = name;
  document["runtime"] = runtime->name();
  if (name == "running") {
    document["url"] = launch::UrlOf(*state);
    document["answers"] = silence.empty();
    document["persistent"] = state->persistent;
    document["source"] = state->source;
    document["snapshot"] = state->snapshot;
    document["lsn"] = state->lsn;
    document["source_time"] =
        state->data_time_us > 0 ? output::Json(output::IsoTime(state->data_time_us)) : output::Json();
    document["started"] = output::IsoTime(state->started_time_us);
  }
  call.output.Result(StatusText(name, state, silence), document);
  return name == "running" && silence.empty() ? 0 : static_cast<int>(ErrorCode::kCannotStart);
}

}  // namespace

program::Command DeclareStatus(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Show what runs, and on which data");
  app.footer("Exits with 0 only if it runs and answers, else with 12.\n\nExamples:\n  rotv status --json");
  return {[&runtime](const program::Invocation& call) { return RunStatus(call, runtime); }, nullptr};
}

}  // namespace rotv
