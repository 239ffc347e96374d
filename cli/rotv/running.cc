// Chooses the runtime that a command works with.

#include <fmt/format.h>

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

launch::RuntimeKind KindOf(const std::string& name) {
  if (name == "podman") return launch::RuntimeKind::kPodman;
  if (name == "docker") return launch::RuntimeKind::kDocker;
  if (name == "local") return launch::RuntimeKind::kLocal;
  return launch::RuntimeKind::kAny;
}

}  // namespace

std::unique_ptr<launch::Runtime> ScratchRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const std::filesystem::path& home) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(call.home);
  launch::RuntimeKind kind = KindOf(option.name.empty() && state ? state->runtime : option.name);
  return launch::ChooseRuntime(kind, home, app, call.environment, call.interrupt);
}

std::unique_ptr<launch::Runtime> RuntimeFor(const program::Invocation& call, const RuntimeOption& option,
                                            const config::AppConfig& app) {
  return ScratchRuntime(call, option, app, call.home);
}

config::AppConfig AppToActOn(const program::Invocation& call) {
  const std::optional<launch::LaunchState> state = launch::ReadLaunchState(call.home);
  try {
    config::AppConfig app = call.config.App();
    if (state) app.database_port = state->database_port;  // It may have changed since the start.
    return app;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUsage || !state || state->database.empty()) throw;
    call.progress.Warn(fmt::format("the config is not used, what was started is known: {}", error.what()));
    config::AppConfig app;
    app.directory = state->directory;
    app.database = state->database;
    app.database_port = state->database_port;
    app.port = state->port;
    app.persistent = state->persistent;
    return app;
  }
}

std::unique_ptr<launch::Runtime> RunningRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app) {
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app);
  if (runtime->State() == launch::RunState::kRunning) return runtime;
  throw Error(ErrorCode::kUsage, "the application is not running", "rotv start");
}

}  // namespace rotv
