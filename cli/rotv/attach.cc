// The commands shell and psql replace this process with another program, which takes over the terminal.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cli/launch/application_environment.h"
#include "cli/launch/prompts.h"
#include "cli/launch/runtime.h"
#include "cli/rotv/command.h"
#include "os/postgres_programs.h"
#include "os/run_program.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv {
namespace {

bool OnTerminal() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

std::string LabelOf(const launch::Project& project) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  return state ? launch::DataLabel(*state) : "a database that is starting";
}

int RunShell(const program::Invocation& call, const RuntimeOption& option) {
  const launch::Project project = ProjectOf(call, option);
  config::AppConfig app = AppOf(call, project);
  std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, app, project);
  const launch::OwnDatabase database = running->Database();
  const launch::ShellEnvironment shell = launch::ForShell(running->Inherited(), app.environment_rules, database);
  if (!shell.withheld.empty()) {
    call.progress.Warn(
        fmt::format("not in this shell, because they lead to another database: {}", fmt::join(shell.withheld, ", ")));
  }
  std::vector<std::string> words = running->ShellCommand(OnTerminal(), database);
  if (OnTerminal()) {
    // Our variables are set again after ~/.bashrc, which may have changed them.
    os::Environment again = launch::LibpqVariablesFor(database);
    const os::Environment inherited = running->Inherited();
    for (const auto& [name, value] : shell.variables) {
      auto old = inherited.find(name);
      if (!inherited.empty() && (old == inherited.end() || old->second != value)) again[name] = value;
    }
    words.insert(words.end(),
                 {"-c", "exec bash --rcfile <(printf %s \"$1\")", "bash", launch::BashrcText(LabelOf(project), again)});
  }
  os::BecomeProgram(words);
}

// Where psql runs on this machine, it reads the user's own psqlrc too. In a container there is none, and the result is
// empty.
os::Environment PsqlrcOfOurs(const program::Invocation& call, const launch::Project& project,
                             const launch::Runtime& running) {
  if (running.name() != "local") return {};
  const std::filesystem::path psql = os::FindPostgresPrograms(call.environment) / "psql";
  std::string version = os::LastLine(os::RunProgramQuietly({psql, "--version"}, call.interrupt).out);
  // "psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
  size_t digit = std::min(version.find_first_of("0123456789"), version.size());
  version = version.substr(digit, version.find(' ', digit) - digit);
  const std::filesystem::path file = project.place / "run" / "psqlrc";
  WriteFileAtomically(file, launch::PsqlrcText(launch::UserPsqlrc(call.environment, version)));
  return {{"PSQLRC", file}};
}

int RunPsql(const program::Invocation& call, const RuntimeOption& option, const std::vector<std::string>& arguments) {
  const launch::Project project = ProjectOf(call, option);
  std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, AppToActOn(call, project), project);
  if (!OnTerminal()) os::BecomeProgram(running->PsqlCommand(arguments, false));
  std::vector<std::string> all = launch::PsqlPromptArguments(LabelOf(project));
  all.insert(all.end(), arguments.begin(), arguments.end());
  os::BecomeProgram(running->PsqlCommand(all, true), PsqlrcOfOurs(call, project, *running));
}

}  // namespace

program::Command DeclareShell(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Open a shell where the application runs");
  app.footer("The prompt says which data the database has.\n\nExamples:\n  rotv shell");
  return {[&runtime](const program::Invocation& call) { return RunShell(call, runtime); }, [] { return true; }};
}

program::Command DeclarePsql(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Open psql on the running database");
  app.footer(
      "All arguments after psql are passed to it.\n\n"
      "Examples:\n"
      "  rotv psql\n"
      "  rotv psql -c 'SELECT count(*) FROM users'\n"
      "  rotv psql rotv_test");
  app.fallthrough(false);  // An option that both programs know is meant for psql.
  app.allow_extras();
  return {[&app, &runtime](const program::Invocation& call) -> int { return RunPsql(call, runtime, app.remaining()); },
          [] { return true; }};
}

}  // namespace rotv
