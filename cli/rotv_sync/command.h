// What a command is to main: a row in its table. Each command has a file of its own.

#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/terminal.h"
#include "sync/context.h"

namespace rotv {

// What a command works with, once the command line and the config are read.
struct Session {
  const Context& context;
  ProgressBar& progress;  // The one in `context`, with its Say().
  Output& output;
  Verbosity verbosity;
  TextStyle style;  // Of stdout.
};

struct SyncCommand {
  // Gives the exit code; throws Error.
  std::function<int(const Session&)> run;
  // Whether stdout is for the command's data, as the options given say; nothing: never.
  std::function<bool()> takes_stdout;
};

// Each adds its options, description and examples to `app`, its subcommand. What it gives is called after parsing.
SyncCommand DeclareDoctor(CLI::App& app);
SyncCommand DeclareBaseline(CLI::App& app);
SyncCommand DeclarePull(CLI::App& app);
SyncCommand DeclareMaterialize(CLI::App& app);
SyncCommand DeclareStatus(CLI::App& app);
SyncCommand DeclareVerify(CLI::App& app);
SyncCommand DeclareDetach(CLI::App& app);

// What baseline and pull both tell of a baseline.
struct BaselineResult;
std::string BaselineText(const BaselineResult& result, const std::string& source_name);
Json BaselineJson(const BaselineResult& result);

}  // namespace rotv
