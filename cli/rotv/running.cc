// Finds the project that a command is about, chooses the runtime that it works with, and tells what runs.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/output/format.h"
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

// Names of images have small letters, and one separator at a time.
std::string ImageOf(const std::string& project) {
  std::string name = "localhost/rotv-";
  for (char c : project) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_plain) {
      name += c;
    } else if (!name.ends_with('-')) {
      name += '-';
    }
  }
  if (name.ends_with('-')) name.pop_back();
  return name;
}

}  // namespace

launch::Project ProjectOf(const program::Invocation& call, const RuntimeOption& option) {
  launch::ProjectRequest request{
      .home = call.home, .directory = call.config.ProjectDirectory(), .application = {}, .name = option.project};
  try {
    request.application = call.config.App().directory;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUsage) throw;
  }
  return launch::FindProject(request);
}

config::AppConfig AppOf(const program::Invocation& call, const launch::Project& project) {
  config::AppConfig app = call.config.App();
  if (!app.image_is_named && project.place != call.home) app.image = ImageOf(project.name);
  return app;
}

std::unique_ptr<launch::Runtime> ScratchRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const launch::Project& project,
                                                const std::filesystem::path& place) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  launch::RuntimeKind kind = KindOf(option.name.empty() && state ? state->runtime : option.name);
  return launch::ChooseRuntime(kind, place, app, call.environment, call.interrupt);
}

std::unique_ptr<launch::Runtime> RuntimeFor(const program::Invocation& call, const RuntimeOption& option,
                                            const config::AppConfig& app, const launch::Project& project) {
  return ScratchRuntime(call, option, app, project, project.place);
}

config::AppConfig AppToActOn(const program::Invocation& call, const launch::Project& project) {
  const std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  try {
    config::AppConfig app = AppOf(call, project);
    if (state) {  // It may have changed since the start, or be that of another directory.
      app.database_port = state->database_port;
      if (!state->database.empty()) app.database = state->database;
      if (!state->directory.empty()) app.directory = state->directory;
    }
    return app;
  } catch (const Error& error) {
    // A state without a database is of an older program.
    if (error.code() != ErrorCode::kUsage || (state && state->database.empty())) throw;
    config::AppConfig app;
    if (!state) {
      call.progress.Warn(fmt::format("the config is not used: {}", error.what()));
      return app;
    }
    call.progress.Warn(fmt::format("the config is not used, what was started is known: {}", error.what()));
    app.directory = state->directory;
    app.database = state->database;
    app.database_port = state->database_port;
    app.port = state->port;
    app.persistent = state->persistent;
    return app;
  }
}

std::unique_ptr<launch::Runtime> RunningRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const launch::Project& project) {
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app, project);
  if (runtime->State() == launch::RunState::kRunning) return runtime;
  throw Error(ErrorCode::kUsage, "the application is not running", "rotv start");
}

void AddData(const launch::LaunchState& state, output::Json* document) {
  (*document)["persistent"] = state.persistent;
  (*document)["source"] = state.source;
  (*document)["seed_file"] = state.seed_file.empty() ? output::Json() : output::Json(state.seed_file);
  (*document)["saved"] = state.saved.empty() ? output::Json() : output::Json(state.saved);
  (*document)["snapshot"] = state.snapshot;
  (*document)["subset"] = state.subset;
  (*document)["lsn"] = state.lsn;
  (*document)["source_time"] =
      state.data_time_us > 0 ? output::Json(output::IsoTime(state.data_time_us)) : output::Json();
}

}  // namespace rotv
