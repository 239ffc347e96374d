#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/launch/launch_state.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"

namespace rotv {
namespace {

const char* StateName(launch::RunState found, const std::optional<launch::LaunchState>& state) {
  if (found == launch::RunState::kRunning) return state && state->ready ? "running" : "starting";
  return found == launch::RunState::kEnded ? "ended" : "stopped";
}

std::string StatusText(const std::string& name, const std::optional<launch::LaunchState>& state) {
  if (name == "stopped") return "Not running. rotv start starts it.\n";
  if (name == "ended") return "The application ended by itself. rotv logs says why; rotv start starts it again.\n";
  if (!state || !state->ready) return "Starting, or left over from a start that was killed: rotv start starts again.\n";
  std::string data = state->source.empty() ? std::string("the persistent cluster")
                                           : fmt::format("{} as it was at {} ({})", state->source, state->lsn,
                                                         output::HumanTime(state->data_time_us));
  return fmt::format("Running: {}\n  data     {}\n  runtime  {}{}\n  started  {}\n", launch::UrlOf(*state), data,
                     state->runtime, state->persistent ? ", persistent" : "",
                     output::HumanTime(state->started_time_us));
}

int RunStatus(const program::Invocation& call, const RuntimeOption& option) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(call.home);
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, call.config.App());
  std::string name = StateName(runtime->State(), state);
  output::Json document;
  document["state"] = name;
  document["runtime"] = runtime->name();
  if (name == "running") {
    document["url"] = launch::UrlOf(*state);
    document["persistent"] = state->persistent;
    document["source"] = state->source;
    document["snapshot"] = state->snapshot;
    document["lsn"] = state->lsn;
    document["source_time"] =
        state->data_time_us > 0 ? output::Json(output::IsoTime(state->data_time_us)) : output::Json();
    document["started"] = output::IsoTime(state->started_time_us);
  }
  call.output.Result(StatusText(name, state), document);
  return 0;
}

}  // namespace

program::Command DeclareStatus(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Show what runs, and on which data");
  app.footer("Examples:\n  rotv status --json");
  return {[&runtime](const program::Invocation& call) { return RunStatus(call, runtime); }, nullptr};
}

}  // namespace rotv
