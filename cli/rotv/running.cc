// Which application a command means.

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

RuntimeKind KindOf(const std::string& name) {
  if (name == "podman") return RuntimeKind::kPodman;
  if (name == "docker") return RuntimeKind::kDocker;
  if (name == "local") return RuntimeKind::kLocal;
  return RuntimeKind::kAny;
}

}  // namespace

ConfigRequest RequestOf(const Invocation& call) {
  return {
      .config = call.options.config, .source = call.options.source, .home = call.home, .environment = call.environment};
}

std::unique_ptr<Runtime> ScratchRuntime(const Invocation& call, const RuntimeOption& option, const AppConfig& app,
                                        const std::filesystem::path& home) {
  std::optional<LaunchState> state = ReadLaunchState(call.home);
  RuntimeKind kind = KindOf(option.name.empty() && state ? state->runtime : option.name);
  return ChooseRuntime(kind, home, app, call.environment, call.interrupt);
}

std::unique_ptr<Runtime> RuntimeFor(const Invocation& call, const RuntimeOption& option, const AppConfig& app) {
  return ScratchRuntime(call, option, app, call.home);
}

std::unique_ptr<Runtime> RunningRuntime(const Invocation& call, const RuntimeOption& option) {
  std::unique_ptr<Runtime> runtime = RuntimeFor(call, option, ReadApp(RequestOf(call)));
  if (runtime->State() == RunState::kRunning) return runtime;
  throw Error(ErrorCode::kUsage, "the application does not run", "rotv start");
}

}  // namespace rotv
