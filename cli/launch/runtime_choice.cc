#include <fmt/format.h>

#include "cli/launch/container_runtime.h"
#include "cli/launch/local_runtime.h"
#include "cli/launch/runtime.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::launch {

const char* RestartName(config::Restart restart) {
  switch (restart) {
    case config::Restart::kNo:
      return "no";
    case config::Restart::kOnFailure:
      return "on-failure";
    case config::Restart::kAlways:
      break;
  }
  return "always";
}

std::unique_ptr<Runtime> ChooseRuntime(RuntimeKind kind, const std::filesystem::path& place,
                                       const config::AppConfig& app, const os::Environment& environment,
                                       const Interrupt& interrupt) {
  struct Container {
    RuntimeKind kind;
    const char* program;
  };
  for (const Container& container : {Container{RuntimeKind::kPodman, "podman"}, {RuntimeKind::kDocker, "docker"}}) {
    bool here = os::ProgramIsHere(container.program, environment);
    if (kind == container.kind && !here) {
      throw Error(ErrorCode::kCannotStart, fmt::format("{} is not installed on this machine", container.program),
                  fmt::format("install {}, or run without containers: rotv --runtime local start", container.program));
    }
    // Docker's client is often installed without its server.
    bool chosen =
        kind == container.kind || (kind == RuntimeKind::kAny && here &&
                                   (container.kind == RuntimeKind::kPodman ||
                                    os::RunProgramQuietly({container.program, "info"}, interrupt).exit_status == 0));
    if (chosen) {
      return std::make_unique<ContainerRuntime>(container.program, place, app.database, environment, interrupt);
    }
  }
  return std::make_unique<LocalRuntime>(place, app, environment);
}

}  // namespace rotv::launch
