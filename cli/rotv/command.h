// The commands of `rotv`. Each has a file of its own; each adds its options, description and examples to `app`, its
// subcommand. What it gives is called after parsing.

#pragma once

#include <memory>
#include <string>

#include "cli/config/config.h"
#include "cli/launch/launcher.h"
#include "cli/launch/runtime.h"
#include "cli/program/program.h"

namespace rotv {

// --runtime, which stands in front of every command.
struct RuntimeOption {
  std::string name;  // Empty: not given.
};

program::Command DeclareStart(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareRestart(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareStop(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareStatus(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareLogs(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareShell(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclarePsql(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareBuild(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareSeed(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareValidateEnv(CLI::App& app, const RuntimeOption& runtime);
program::Command DeclareValidateSchema(CLI::App& app, const RuntimeOption& runtime);

// --- What several of them need.

// The one that --runtime names, else the one in which something runs, else the first that is here. `app` is what the
// config says.
std::unique_ptr<launch::Runtime> RuntimeFor(const program::Invocation& call, const RuntimeOption& option,
                                            const config::AppConfig& app);

// What RuntimeFor() gives, for another home directory: what runs here is not touched by it.
std::unique_ptr<launch::Runtime> ScratchRuntime(const program::Invocation& call, const RuntimeOption& option,
                                                const config::AppConfig& app, const std::filesystem::path& home);

// The same for commands that need a running application. Throws kUsage if there is none.
std::unique_ptr<launch::Runtime> RunningRuntime(const program::Invocation& call, const RuntimeOption& option);

// What start and restart have in common.
struct StartFlags {
  std::string snapshot;
  bool persistent = false;
  bool pull = false;
  int port = 0;
  bool wait = false;
};
void AddStartFlags(CLI::App& app, StartFlags* flags);
// `replace`: what runs is stopped for it, once everything else is ready; otherwise it goes on, and the user is told.
int RunStart(const program::Invocation& call, const RuntimeOption& option, const StartFlags& flags, bool replace);

}  // namespace rotv
