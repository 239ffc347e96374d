// What the programs of this project have in common: the options in front of every command, the set-up of the process,
// and how an error becomes two lines and an exit code.

#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/config/config.h"
#include "cli/output/output.h"
#include "cli/output/progress_bar.h"
#include "cli/output/terminal.h"
#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::program {

struct GlobalOptions {
  std::string home;
  std::string config;
  std::string source;
  bool json = false;
  bool quiet = false;
  bool verbose = false;

  output::Verbosity verbosity() const {
    return quiet ? output::Verbosity::kQuiet : verbose ? output::Verbosity::kVerbose : output::Verbosity::kNormal;
  }
};

// One call of the program: what a command works with once the command line is read. Nothing is opened yet.
struct Invocation {
  const GlobalOptions& options;
  const os::Environment& environment;
  std::filesystem::path home;  // As ResolveHome() gives it.
  output::ProgressBar& progress;
  output::Output& output;
  const Interrupt& interrupt;
  output::TextStyle style;       // Of stdout.
  const config::Config& config;  // Read by the first question to it.
};

// What a command is to its program: it gives the exit code, and throws Error.
struct Command {
  std::function<int(const Invocation&)> run;
  // Whether stdout is for the command's data, as the options given say; nothing: never.
  std::function<bool()> takes_stdout;
};

struct CommandEntry {
  const char* name;
  // Adds its options, description and examples to `app`, its subcommand. What it gives is called after parsing.
  std::function<Command(CLI::App& app)> declare;
};

struct Program {
  const char* name;
  const char* description;
  const char* footer;
  std::vector<CommandEntry> commands;
  std::function<void(CLI::App& app)> declare_options;  // Those that only this program has; may be empty.
  // Called before every command, with the home directory: what killed runs left there goes. Never throws.
  void (*remove_leftovers)(const std::filesystem::path& home) noexcept = nullptr;
};

// The whole of main(): gives the exit code, and lets nothing out.
int RunProgram(const Program& program, int argc, char** argv);

}  // namespace rotv::program
