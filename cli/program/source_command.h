// Runs commands that work on one source. Most commands of `rotv-sync` do, and some of `rotv`.

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

// The objects that such a command works with, once the command line and the config have been read.
struct Session {
  const Context& context;
  output::ProgressBar& progress;  // The one in `context`, which also has Say().
  output::Output& output;
  output::Verbosity verbosity;
  output::TextStyle style;                            // The style of stdout.
  const std::vector<SourceConfig>& sources;           // All sources, ordered by name.
  bool source_is_named;                               // --source was given.
  Compression seed_compression = Compression::kNone;  // The default.
  const Invocation& call;                             // What all of this was made from.
};

std::vector<std::string> NamesOf(const std::vector<SourceConfig>& sources);

struct SyncCommand {
  // Returns the exit code; throws Error.
  std::function<int(const Session&)> run;
  // True if the given options send the command's data to stdout; null: never.
  std::function<bool()> takes_stdout;
  // --source may also name a source that the config no longer has, and that left a slot or publication on a server.
  // Such a source has no masking rules, so none of its rows may be stored.
  bool also_former = false;
  // True if the command, with the given options, works on all sources unless one is named: without a default one, the
  // first stands for it; null: never.
  std::function<bool()> all_sources = nullptr;
  // True if the command, with the given options, needs no home directory that can be written; null: never.
  std::function<bool()> only_reads = nullptr;
};

enum class Watched { kByAPerson, kByNobody };  // See Context::scheduled.

// Makes a Command that reads the config, chooses the source and opens the home directory, and then runs `command`.
Command OnSource(const SyncCommand& command, Watched watched = Watched::kByAPerson);

}  // namespace rotv::program
