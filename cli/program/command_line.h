// The command line of a program: what is declared, what was given, and what it answers by itself (help, the version).

#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/program/command.h"
#include "storage/error.h"

namespace rotv::program {

// What a command line asks for that needs no command to run.
struct Answer {
  std::string text;
  std::string json;              // The same with --json.
  std::optional<Error> failure;  // No command was given: `text` is the help that shows them.
};

class CommandLine {
 public:
  // Declares the options and commands of `program`, which must outlive this.
  explicit CommandLine(const Program& program);

  // Returns the answer if the program ends with it; else nothing. Throws kUsage for a command line that cannot be
  // parsed.
  std::optional<Answer> Parse(int argc, char** argv);

  // Where a point is given as SOURCE:POINT, with one of these sources, --source is that one from now on, and the point
  // is what is left. Times have colons too. Throws kUsage if the command line names two sources.
  void TakeSourceOfPoint(const std::vector<std::string>& sources);
  // True if a point that was given may name a source.
  bool MayNameSource() const;

  // What is declared.
  const CLI::App& app() const { return app_; }

  const GlobalOptions& options() const { return options_; }

  const Command& chosen() const { return commands_.at(app_.get_subcommands().front()->get_name()); }

 private:
  void DeclareOptions();
  void DeclareCommands();
  // These answer by themselves.
  void DeclareHelp();
  void DeclareCompletion();
  void DeclareMan();
  std::string ManPagesAskedFor() const;
  std::string HelpFor(const std::vector<std::string>& words) const;
  // Those that were given.
  std::vector<CLI::Option*> PointOptions() const;

  const Program& program_;
  CLI::App app_;
  GlobalOptions options_;
  std::map<std::string, Command> commands_;
  std::map<std::string, std::function<std::string()>> own_commands_;
  std::vector<std::string> help_words_;  // Which command help is asked about.
  std::string shell_;                    // Whose script completion prints.
  std::string man_command_;              // Which command's page man prints.
  std::string man_directory_;            // Where man writes all pages.
};

}  // namespace rotv::program
