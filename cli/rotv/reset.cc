// The command reset throws the changes in the started database away, while the application goes on.

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "cli/config/home.h"
#include "cli/launch/cluster_sender.h"
#include "cli/launch/http_probe.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/warm_clusters.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "os/clock.h"
#include "os/local_command.h"
#include "os/pipe.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{60};
constexpr std::chrono::milliseconds kPollAnswer{25};

// Exit statuses of entrypoint/request, and of a shell that does not find it.
constexpr int kRestart = 3, kNotThere = 127;

// Its pool of connections finds out that they are cut when it uses them.
void AwaitAnswer(const program::Invocation& call, launch::Runtime& runtime, const launch::LaunchState& state) {
  if (state.health.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    call.interrupt.Check();
    const launch::HttpResponse answer = launch::ProbeHttp(state.port, state.health);
    if (answer.answers()) return;
    if (std::chrono::steady_clock::now() - start > kAnswerTimeout || runtime.State() != launch::RunState::kRunning) {
      throw Error(ErrorCode::kCannotStart,
                  fmt::format("the database is reset, but the application does not answer: {}", answer.reason()),
                  "rotv logs says why; rotv restart starts both again");
    }
    std::this_thread::sleep_for(kPollAnswer);
  }
}

// Returns why it cannot be done without a restart; empty if it is done. Throws where a restart would be no help.
std::string ReasonOf(int exit_status, const std::string& err) {
  constexpr const char* kEarlier = "the image is of an earlier version (rotv build)";
  if (exit_status == 0) return "";
  const std::string reason = os::LastLine(err);
  if (exit_status == kRestart) return reason;
  if (exit_status == kNotThere || reason.find("knows no request") != std::string::npos) return kEarlier;
  throw Error(ErrorCode::kCannotStart, fmt::format("the database cannot be reset: {}", reason),
              "rotv logs says more; rotv restart starts it again on clean data");
}

// Has the entrypoint clone the warm cluster that it was started from.
std::string CloneAgain(const program::Invocation& call, const launch::Runtime& runtime) {
  const os::ProgramResult asked = os::RunProgramQuietly(runtime.RequestCommand("reset"), call.interrupt);
  return ReasonOf(asked.exit_status, asked.err);
}

// Sends it the warm cluster that its import has left.
std::string Refill(const program::Invocation& call, const launch::Runtime& runtime, const launch::WarmLease& kept) {
  os::Pipe pipe = os::MakePipe();
  std::future<launch::SentCluster> sent =
      std::async(std::launch::async, [&kept, &interrupt = call.interrupt, end = std::move(pipe.write_end)]() mutable {
        const FileDescriptor own = std::move(end);  // Closed when this ends: that is the end of the tar.
        return launch::SendCluster(kept, own.get(), interrupt);
      });
  os::CommandResult asked;
  std::exception_ptr problem;
  try {
    asked = os::RunLocalCommand(
        {.argv = runtime.RequestCommand("refill"), .env = {}, .password = {}, .standard_input = pipe.read_end.get()},
        [](std::string_view) {}, call.interrupt);
  } catch (...) {
    problem = std::current_exception();
  }
  pipe.read_end = FileDescriptor();  // A sender whom nobody reads ends.
  const std::string damage = sent.get().damage;
  if (problem) std::rethrow_exception(problem);
  if (asked.exit_status == 0) return "";
  if (!damage.empty()) return "of the warm cluster " + damage;
  return ReasonOf(asked.exit_status, asked.stderr_text);
}

std::string ResetInPlace(const program::Invocation& call, const launch::Runtime& runtime,
                         const launch::LaunchState& state) {
  const std::optional<launch::WarmLease> kept = launch::WarmClusters(call.home).FindById(state.kept);
  return kept ? Refill(call, runtime, *kept) : CloneAgain(call, runtime);
}

int ReportReset(const program::Invocation& call, const launch::LaunchState& state, bool restarted, double seconds) {
  output::Json document{{"reset", true}, {"restarted", restarted}};
  AddData(state, &document);
  document["seconds"] = seconds;
  call.output.Result(fmt::format("Reset in {}: {}.\n{}", output::HumanDuration(seconds), DataText(state),
                                 restarted ? "" : "The application goes on; its connections were cut.\n"),
                     document);
  return 0;
}

int RunReset(const program::Invocation& call, const RuntimeOption& option) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return os::SecondsSince(start); };
  config::OpenHome(call.home);
  const launch::Project project = ProjectOf(call, option);
  const std::unique_ptr<launch::Runtime> runtime = RunningRuntime(call, option, AppToActOn(call, project), project);
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  if (!state || !state->ready) {
    throw Error(ErrorCode::kUsage, "the application has not been started completely", "rotv start");
  }
  if (state->persistent) {
    throw Error(ErrorCode::kUsage, "its data is persistent, and nothing throws that away by itself",
                fmt::format("rotv stop, remove {} yourself, then rotv start --persistent imports the seed again",
                            (project.place / "pgdata").native()));
  }
  std::string why_not;
  {
    const launch::LaunchLock lock(project.place);
    why_not = ResetInPlace(call, *runtime, *state);
    if (why_not.empty()) AwaitAnswer(call, *runtime, *state);
  }
  if (why_not.empty()) return ReportReset(call, *state, false, seconds());
  call.progress.Say(fmt::format("starting again, because {}", why_not));
  RestartOnSameData(call, option, *state);
  state = launch::ReadLaunchState(project.place);
  return ReportReset(call, state.value_or(launch::LaunchState()), true, seconds());
}

}  // namespace

program::Command DeclareReset(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Throw the changes in the started database away; the application goes on");
  app.footer(
      "The database is again as it was when it was started. Connections are cut, and the application connects\n"
      "again. Where the state of the start is not kept, both are started again.\n\n"
      "Examples:\n"
      "  rotv reset\n"
      "  rotv --name fix-123 reset");
  return {[&runtime](const program::Invocation& call) { return RunReset(call, runtime); }, nullptr};
}

}  // namespace rotv
