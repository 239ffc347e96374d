#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/saved_data.h"
#include "cli/rotv/command.h"

namespace rotv {
namespace {

int RunStop(const program::Invocation& call, const RuntimeOption& option) {
  config::OpenHome(call.home);
  const launch::Project project = ProjectOf(call, option);
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, AppToActOn(call, project), project);
  launch::LaunchLock lock(project.place);
  bool was_there = runtime->State() != launch::RunState::kNone;
  runtime->Stop();
  if (option.name.empty() || was_there) launch::RemoveLaunchState(project.place);
  call.output.Result(was_there ? "Stopped.\n" : "Nothing was running.\n", output::Json{{"stopped", was_there}});
  return 0;
}

// Options that are not given are taken from the last start.
int RunRestart(const program::Invocation& call, const RuntimeOption& option, StartFlags flags) {
  config::OpenHome(call.home);
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(ProjectOf(call, option).place);
  RuntimeOption same = option;
  if (same.name.empty() && state) same.name = state->runtime;
  if (state) {
    if (flags.snapshot.empty()) flags.snapshot = state->snapshot;
    // Saved data has the rows that it has.
    flags.subset = flags.subset || (state->subset && !launch::IsSaved(call.home, flags.snapshot));
    if (flags.port == 0) flags.port = state->port;
    flags.persistent = flags.persistent || state->persistent;
  }
  flags.replace = true;
  return RunStart(call, same, flags);
}

}  // namespace

program::Command DeclareStop(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Stop the application and its database; changes are gone, unless the data is persistent");
  app.footer("Examples:\n  rotv stop");
  return {[&runtime](const program::Invocation& call) { return RunStop(call, runtime); }, nullptr};
}

program::Command DeclareRestart(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Stop, and start again as it was started, on clean data");
  app.footer(
      "Examples:\n"
      "  rotv restart                       # local changes are gone\n"
      "  rotv restart --pull                # and the data is today's");
  auto flags = std::make_shared<StartFlags>();
  AddStartFlags(app, flags.get());
  return {[flags, &runtime](const program::Invocation& call) { return RunRestart(call, runtime, *flags); }, nullptr};
}

}  // namespace rotv
