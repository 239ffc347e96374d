// A command that works on one source: `rotv-sync` is made of these, and `rotv` has some of them, too.

#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/output/output.h"
#include "cli/output/progress_bar.h"
#include "cli/output/terminal.h"
#include "cli/program/program.h"
#include "sync/context/context.h"
#include "sync/materialize.h"

namespace rotv::program {

// What such a command works with, once the command line and the config are read.
struct Session {
  const Context& context;
  output::ProgressBar& progress;  // The one in `context`, with its Say().
  output::Output& output;
  output::Verbosity verbosity;
  output::TextStyle style;                            // Of stdout.
  const std::vector<SourceConfig>& sources;           // All that there are, by name.
  bool source_is_named;                               // By --source.
  Compression seed_compression = Compression::kNone;  // Where nothing else is said.
};

std::vector<std::string> NamesOf(const std::vector<SourceConfig>& sources);

struct SyncCommand {
  // Gives the exit code; throws Error.
  std::function<int(const Session&)> run;
  // Whether stdout is for the command's data, as the options given say; nothing: never.
  std::function<bool()> takes_stdout;
  // --source may also name one that the config no longer has, and that has left something on a server. It has no rules
  // then, so that nothing of it may be stored.
  bool also_former = false;
};

enum class Watched { kByAPerson, kByNobody };  // As Context::scheduled.

// The source is known, and the home directory is there, before anything of `command` is done.
Command OnSource(const SyncCommand& command, Watched watched = Watched::kByAPerson);

}  // namespace rotv::program
