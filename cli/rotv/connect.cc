// The commands env, url, run and exec let other programs work on the started database.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/launch/application_environment.h"
#include "cli/rotv/command.h"
#include "os/run_program.h"
#include "os/shell_quote.h"
#include "storage/error.h"

namespace rotv {
namespace {

// The started database, as a program of this machine reaches it.
launch::OwnDatabase DatabaseFromHere(const program::Invocation& call, const RuntimeOption& option) {
  const launch::Project project = ProjectOf(call, option);
  const std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, AppToActOn(call, project), project);
  const std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  if (state && state->database_port != 0) {
    return {.port = state->database_port, .tcp = true, .password = state->database_password, .name = state->database};
  }
  if (running->name() == "local") return running->Database();
  throw Error(ErrorCode::kUsage, "the database in the container has no port on this machine",
              "database_port = 5433 in [app] of rotv.toml, then rotv restart; in the container: rotv exec -- COMMAND");
}

os::Environment ConnectionVariables(const launch::OwnDatabase& database) {
  return launch::WithOwnDatabase({}, {}, database);
}

int RunEnv(const program::Invocation& call, const RuntimeOption& option, const std::string& format) {
  const os::Environment variables = ConnectionVariables(DatabaseFromHere(call, option));
  std::string text;
  output::Json document;
  for (const auto& [name, value] : variables) {
    document[name] = value;
    // Neither the socket's directory nor a URL has a quote or a line end.
    text += format == "shell" ? fmt::format("export {}={}\n", name, os::ShellQuote(value))
                              : fmt::format("{}=\"{}\"\n", name, value);
  }
  call.output.Result(format == "json" ? output::JsonText(document) : text, document);
  return 0;
}

int RunUrl(const program::Invocation& call, const RuntimeOption& option) {
  const std::string url = ConnectionVariables(DatabaseFromHere(call, option)).at("DATABASE_URL");
  call.output.Result(url + "\n", output::Json{{"url", url}});
  return 0;
}

void RequireCommand(const std::vector<std::string>& words, const char* example) {
  if (words.empty()) throw Error(ErrorCode::kUsage, "no command is given", example);
}

struct RunFlags {
  std::vector<std::string> words;
  bool fresh = false;
  std::string snapshot;
  bool subset = false;
};

int RunRun(const program::Invocation& call, const RuntimeOption& option, const RunFlags& flags) {
  const std::vector<std::string>& words = flags.words;
  RequireCommand(words, "rotv run -- npx prisma studio");
  if (flags.fresh) return RunOnFreshDatabase(call, option, {.point = flags.snapshot, .subset = flags.subset}, words);
  const config::AppConfig app = call.config.App();
  const launch::ShellEnvironment shell =
      launch::ForShell(call.environment, app.environment_rules, DatabaseFromHere(call, option));
  if (!shell.withheld.empty()) {
    call.progress.Warn(
        fmt::format("not passed on, because they lead to another database: {}", fmt::join(shell.withheld, ", ")));
  }
  std::vector<std::string> all = launch::EnvWords(call.environment, shell.variables);
  all.insert(all.end(), words.begin(), words.end());
  os::BecomeProgram(all);
}

int RunExec(const program::Invocation& call, const RuntimeOption& option, const std::vector<std::string>& words) {
  RequireCommand(words, "rotv exec -- npm run migrate");
  const launch::Project project = ProjectOf(call, option);
  const std::unique_ptr<launch::Runtime> running = RunningRuntime(call, option, AppToActOn(call, project), project);
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  std::vector<std::string> all = running->ShellCommand(terminal, running->Database());
  all.insert(all.end(), {"-c", "exec \"$@\"", "bash"});
  all.insert(all.end(), words.begin(), words.end());
  os::BecomeProgram(all);
}

void AddWords(CLI::App& app, std::vector<std::string>* words) {
  app.add_option("words", *words, "The command; after -- its options are its own")->type_name("");
}

}  // namespace

program::Command DeclareEnv(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Print the variables that lead other programs to the started database");
  app.footer(
      "Examples:\n"
      "  eval \"$(rotv env)\"               # this shell works on it, until it ends\n"
      "  rotv env --format dotenv >.env.local");
  auto format = std::make_shared<std::string>("shell");
  app.add_option("--format", *format, "shell (the default), dotenv or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"shell", "dotenv", "json"}));
  return {[format, &runtime](const program::Invocation& call) { return RunEnv(call, runtime, *format); }, nullptr};
}

program::Command DeclareUrl(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Print the URL of the started database");
  app.footer("Examples:\n  psql \"$(rotv url)\"");
  return {[&runtime](const program::Invocation& call) { return RunUrl(call, runtime); }, nullptr};
}

program::Command DeclareRun(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Run a command of this machine on the started database, or on one of its own");
  app.footer(
      "It has the variables that rotv env prints, and none that leads to another database. With --fresh nothing has\n"
      "to be started: the command has a clone of a warm cluster for itself, which is gone afterwards.\n\n"
      "Examples:\n"
      "  rotv run -- npx prisma studio\n"
      "  rotv run -- pytest -x\n"
      "  rotv run --fresh -- npm test       # and several beside one another (docs/test-databases.md)");
  auto flags = std::make_shared<RunFlags>();
  CLI::Option* fresh = app.add_flag("--fresh", flags->fresh, "On a database of its own, gone afterwards");
  app.add_option("--snapshot", flags->snapshot,
                 "With --fresh: the data at head (the default), at a snapshot, a time or a WAL position, or saved data")
      ->type_name("POINT")
      ->needs(fresh);
  app.add_flag("--subset", flags->subset, "With --fresh: only the rows that [subset] of the config asks for")
      ->needs(fresh);
  AddWords(app, &flags->words);
  return {[flags, &runtime](const program::Invocation& call) { return RunRun(call, runtime, *flags); },
          [] { return true; }};
}

program::Command DeclareExec(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Run a command where the application runs, with its variables");
  app.footer("Examples:\n  rotv exec -- npm run migrate");
  auto words = std::make_shared<std::vector<std::string>>();
  AddWords(app, words.get());
  return {[words, &runtime](const program::Invocation& call) { return RunExec(call, runtime, *words); },
          [] { return true; }};
}

}  // namespace rotv
