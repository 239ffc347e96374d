// What a program is made of: its commands, and what each of them works with.

#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/config/config.h"
#include "cli/output/log_line.h"
#include "cli/output/output.h"
#include "cli/output/progress_bar.h"
#include "cli/output/terminal.h"
#include "cli/program/version.h"
#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::program {

struct GlobalOptions {
  std::string home;
  std::string config;
  std::string source;
  bool json = false;
  output::LogFormat log_format = output::LogFormat::kText;
  bool quiet = false;
  bool verbose = false;

  output::Verbosity verbosity() const {
    return quiet ? output::Verbosity::kQuiet : verbose ? output::Verbosity::kVerbose : output::Verbosity::kNormal;
  }
};

// One call of the program: what a command works with once the command line is parsed. Nothing is opened yet.
struct Invocation {
  const GlobalOptions& options;
  const os::Environment& environment;
  std::filesystem::path home;  // The result of ResolveHome().
  output::ProgressBar& progress;
  output::Output& output;
  const Interrupt& interrupt;
  output::TextStyle style;       // The style of stdout.
  const config::Config& config;  // Read by the first question to it.
};

// A command as its program sees it. `run` returns the exit code, or throws Error.
struct Command {
  std::function<int(const Invocation&)> run;
  // True if the given options send the command's data to stdout; null: never.
  std::function<bool()> takes_stdout;
};

struct CommandEntry {
  const char* name;
  // Adds the command's options, description and examples to `app`, its subcommand. The result runs after parsing.
  std::function<Command(CLI::App& app)> declare;
};

struct Program {
  const char* name;
  const char* description;
  const char* footer;
  Commit commit;  // kCommit, which only a program has.
  std::vector<CommandEntry> commands;
  std::function<void(CLI::App& app)> declare_options;  // Options that only this program has; may be null.
  // Called before every command: removes from the home directory what killed runs left there. Never throws.
  void (*remove_leftovers)(const std::filesystem::path& home) noexcept = nullptr;
};

}  // namespace rotv::program
