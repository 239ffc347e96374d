// The commands of `rotv`. Each has a file of its own and a function that adds its options, description and examples to
// `app`, its subcommand. The command that the function returns runs after parsing.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/config/config.h"
#include "cli/launch/fresh_database.h"
#include "cli/launch/launcher.h"
#include "cli/launch/project.h"
#include "cli/launch/runtime.h"
#include "cli/program/program.h"

namespace rotv {

// The options of every command; empty: not given.
struct RuntimeOption {
  std::string name;     // --runtime
  std::string project;  // --name
};

program::Command DeclareStart(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareRestart(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareStop(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareStatus(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareList(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareLogs(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareShell(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclarePsql(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareEnv(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareUrl(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareRun(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareExec(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareReset(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareSave(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareWarm(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareBuild(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareSeed(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareValidateEnv(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareValidateSchema(CLI::App& app, const RuntimeOption& runtime);

// Several commands share what follows.

// The project whose application the command is about: the one that --name names, else the directory's.
launch::Project ProjectOf(const program::Invocation& call, const RuntimeOption& option);

// The config's [app] section, as it counts for the project: an image that the config does not name is its own.
config::AppConfig AppOf(const program::Invocation& call, const launch::Project& project);

// The runtime that --runtime names, else the one in which something of the project runs, else the first that is
// installed. `app` is the config's [app] section.
std::unique_ptr<launch::Runtime> RuntimeFor(const program::Invocation& call, const RuntimeOption& option,
                                            const config::AppConfig& app, const launch::Project& project);

// The [app] section for commands that act on what runs. Where the config cannot be read, a warning says so, and the
// result has what the last start wrote down; without that, throws what Config::App() throws.
config::AppConfig AppToActOn(const program::Invocation& call, const launch::Project& project);

// Like RuntimeFor(), for another place: what runs in the project's is not touched.
std::unique_ptr<launch::Runtime> ScratchRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const launch::Project& project,
                                                const std::filesystem::path& place);

// Like RuntimeFor(), for commands that need a running application. Throws kUsage if there is none.
std::unique_ptr<launch::Runtime> RunningRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const launch::Project& project);

// The options that start and restart share.
struct StartFlags {
  std::string snapshot;
  bool subset = false;
  bool persistent = false;
  bool pull = false;
  int port = 0;
  bool wait = false;
  bool replace = false;
};
void AddStartFlags(CLI::App& app, StartFlags* flags);
// With `replace`, a running application is stopped once everything else is ready. Without it, a running application
// keeps running, and the result says so; if it is not what the options ask for, throws kUsage.
int RunStart(const program::Invocation& call, const RuntimeOption& option, const StartFlags& flags);
// The same without a report.
launch::LaunchResult StartApplication(const program::Invocation& call, const RuntimeOption& option,
                                      const StartFlags& flags);

// Starts what runs once more, as it was started and on the same point, which its record then names as before.
void RestartOnSameData(const program::Invocation& call, const RuntimeOption& option, const launch::LaunchState& state);

// For --subset. Throws kUsage if the name of saved data is not empty.
void RequireNotSavedData(const std::string& saved);

// Nothing if no source is configured, none is asked for, and a seed is there, which is enough then.
std::optional<SourceConfig> SourceOrNone(const program::Invocation& call, const std::string& snapshot, bool pull);

// The data of a database that is made for a command, or beforehand.
struct WantedData {
  std::string point;  // A point, or the name of saved data; empty: the head.
  bool subset = false;
};

// kNone: whoever asks for a warm cluster needs it some time later.
enum class Hurry { kNone, kSomebodyWaits };
// Makes a warm cluster of a point, unless there is one. While another process of the same hurry makes one in this home
// directory, it waits. Throws what launch::MakeWarmCluster() does.
launch::MadeWarm MakeWarm(const program::Invocation& call, const RuntimeOption& option, const WantedData& data,
                          Hurry hurry);

// Runs a command on a clone of a point's warm cluster, which is made if there is none, or of saved data. Returns the
// command's exit status. Throws what launch::FreshDatabase does.
int RunOnFreshDatabase(const program::Invocation& call, const RuntimeOption& option, const WantedData& data,
                       const std::vector<std::string>& words);

// For people: which data the started database has.
std::string DataText(const launch::LaunchState& state);

// Adds to a --json document what is in the started database.
void AddData(const launch::LaunchState& state, output::Json* document);

}  // namespace rotv
