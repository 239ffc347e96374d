// The commands logs, shell and psql replace this process with another program, which takes over the terminal.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cli/launch/application_environment.h"
#include "cli/launch/log_filter.h"
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

struct LogFlags {
  bool follow = false;
  bool application = false;
  bool postgres = false;
  int tail = 0;  // 0: all lines.

  launch::LogPart part() const {
    return application ? launch::LogPart::kApplication : postgres ? launch::LogPart::kPostgres : launch::LogPart::kAll;
  }
};

// Drops all but the last `count` lines.
void KeepLast(int count, std::string& text) {
  size_t start = text.size();
  while (count-- > 0 && start > 0) start = start > 1 ? text.rfind('\n', start - 2) + 1 : 0;
  text.erase(0, start);
}

// Prints a part of the log: what is there, of which --tail keeps the end, and then what comes.
void PrintLog(const program::Invocation& call, const launch::Runtime& runtime, const LogFlags& flags,
              const std::filesystem::path& kept) {
  launch::LogFilter filter(flags.part());
  std::string there;
  const std::vector<std::string> now =
      kept.empty() ? runtime.LogCommand(false) : std::vector<std::string>{"cat", kept.native()};
  size_t bytes = 0;
  os::RunProgramShowing(now, call.interrupt, [&](std::string_view piece) {
    bytes += piece.size();
    there += filter.Feed(piece);
  });
  if (!flags.follow) there += filter.Rest();
  if (flags.tail > 0) KeepLast(flags.tail, there);
  output::WriteAll(STDOUT_FILENO, there);
  if (!flags.follow || !kept.empty()) return;
  // The log is read again from its beginning: what was there is passed over.
  os::RunProgramShowing(runtime.LogCommand(true), call.interrupt, [&](std::string_view piece) {
    const size_t seen = std::min(bytes, piece.size());
    bytes -= seen;
    output::WriteAll(STDOUT_FILENO, filter.Feed(piece.substr(seen)));
  });
}

int RunLogs(const program::Invocation& call, const RuntimeOption& option, const LogFlags& flags) {
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, AppToActOn(call));
  std::filesystem::path kept;  // The log of the last run, if nothing runs.
  if (runtime->State() == launch::RunState::kNone) {
    kept = call.home / "run" / "app.log";
    if (!std::filesystem::exists(kept)) {
      throw Error(ErrorCode::kUsage, "there is no log: nothing was started", "rotv start");
    }
  }
  if (flags.part() != launch::LogPart::kAll || flags.tail > 0) {
    PrintLog(call, *runtime, flags, kept);
    return 0;
  }
  os::BecomeProgram(kept.empty() ? runtime->LogCommand(flags.follow) : std::vector<std::string>{"cat", kept.native()});
}

std::string LabelOf(const program::Invocation& call) {
  std::optional<launch::LaunchState> state = launch::ReadLaunchState(call.home);
  return state ? launch::DataLabel(*state) : "a database that is starting";
}

int RunShell(const program::Invocation& call, const RuntimeOption& option) {
  config::AppConfig app = call.config.App();
  std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, app);
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
                 {"-c", "exec bash --rcfile <(printf %s \"$1\")", "bash", launch::BashrcText(LabelOf(call), again)});
  }
  os::BecomeProgram(words);
}

// Where psql runs on this machine, it reads the user's own psqlrc too. In a container there is none, and the result is
// empty.
os::Environment PsqlrcOfOurs(const program::Invocation& call, const launch::Runtime& running) {
  if (running.name() != "local") return {};
  const std::filesystem::path psql = os::FindPostgresPrograms(call.environment) / "psql";
  std::string version = os::LastLine(os::RunProgramQuietly({psql, "--version"}, call.interrupt).out);
  // "psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
  size_t digit = std::min(version.find_first_of("0123456789"), version.size());
  version = version.substr(digit, version.find(' ', digit) - digit);
  const std::filesystem::path file = call.home / "run" / "psqlrc";
  WriteFileAtomically(file, launch::PsqlrcText(launch::UserPsqlrc(call.environment, version)));
  return {{"PSQLRC", file}};
}

int RunPsql(const program::Invocation& call, const RuntimeOption& option, const std::vector<std::string>& arguments) {
  std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, AppToActOn(call));
  if (!OnTerminal()) os::BecomeProgram(running->PsqlCommand(arguments, false));
  std::vector<std::string> all = launch::PsqlPromptArguments(LabelOf(call));
  all.insert(all.end(), arguments.begin(), arguments.end());
  os::BecomeProgram(running->PsqlCommand(all, true), PsqlrcOfOurs(call, *running));
}

}  // namespace

program::Command DeclareLogs(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Print the log of the database and the application");
  app.footer(
      "If nothing runs, prints the log of the last start.\n\n"
      "Examples:\n"
      "  rotv logs -f\n"
      "  rotv logs --app --tail 20          # what the application wrote last");
  auto flags = std::make_shared<LogFlags>();
  app.add_flag("-f,--follow", flags->follow, "Keep printing until the application ends");
  CLI::Option* application = app.add_flag("--app", flags->application, "Only what the application wrote");
  app.add_flag("--postgres", flags->postgres, "Only what PostgreSQL wrote")->excludes(application);
  app.add_option("--tail", flags->tail, "Only the last N lines of it")->type_name("N")->check(CLI::PositiveNumber);
  return {[flags, &runtime](const program::Invocation& call) { return RunLogs(call, runtime, *flags); },
          [] { return true; }};
}

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
