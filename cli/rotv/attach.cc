// logs, shell and psql: programs that take this one's place, with its terminal.

#include <unistd.h>

#include <memory>
#include <vector>

#include "cli/rotv/command.h"
#include "cli/run_program.h"
#include "storage/error.h"

namespace rotv {
namespace {

bool OnTerminal() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

int RunLogs(const Invocation& call, const RuntimeOption& option, bool follow) {
  std::unique_ptr<Runtime> runtime = RuntimeFor(call, option, ReadApp(RequestOf(call)));
  if (runtime->State() == RunState::kNone) {
    std::filesystem::path kept = call.home / "run" / "app.log";
    if (!std::filesystem::exists(kept)) {
      throw Error(ErrorCode::kUsage, "there is no log: nothing was started", "rotv start");
    }
    BecomeProgram({"cat", kept.native()});  // Of the last run.
  }
  BecomeProgram(runtime->LogCommand(follow));
}

}  // namespace

Command DeclareLogs(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Print what database and application write");
  app.footer("Of the last start, where nothing runs.\n\nExamples:\n  rotv logs -f");
  auto follow = std::make_shared<bool>(false);
  app.add_flag("-f,--follow", *follow, "Go on until the application ends");
  return {[follow, &runtime](const Invocation& call) { return RunLogs(call, runtime, *follow); }, [] { return true; }};
}

Command DeclareShell(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Open a shell where the application runs");
  app.footer("Examples:\n  rotv shell");
  return {[&runtime](const Invocation& call) -> int {
            BecomeProgram(RunningRuntime(call, runtime)->ShellCommand(OnTerminal()));
          },
          [] { return true; }};
}

Command DeclarePsql(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Open psql on the running database");
  app.footer(
      "Everything behind psql goes to it.\n\n"
      "Examples:\n"
      "  rotv psql\n"
      "  rotv psql -c 'SELECT count(*) FROM users'\n"
      "  rotv psql rotv_test");
  app.fallthrough(false);  // What psql knows and we do too is meant for psql.
  app.allow_extras();
  return {[&app, &runtime](const Invocation& call) -> int {
            std::vector<std::string> arguments = app.remaining();
            BecomeProgram(RunningRuntime(call, runtime)->PsqlCommand(arguments, OnTerminal()));
          },
          [] { return true; }};
}

}  // namespace rotv
