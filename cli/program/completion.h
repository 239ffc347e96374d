// What a shell offers for the word at the cursor. The scripts (completion.bash, .zsh, .fish) only ask the program and
// show what it answers, so that all shells offer the same: what the command line declares.

#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rotv::program {

struct Candidate {
  std::string word;
  std::string description;  // One line; may be empty.
};

struct Completions {
  // What the shell has to find itself, and offers beside `candidates`.
  enum class Also { kNothing, kFiles, kDirectories, kCommands };
  std::vector<Candidate> candidates;
  Also also = Also::kNothing;
};

// Options of the whole line that decide which names there are: "--home" and its value.
using GivenOptions = std::map<std::string, std::string>;

// Gives the names of a kind, which is a value's name in help: SOURCE, SNAPSHOT, POINT, TABLE, REMOTE. Unknown kinds
// have none. Must not throw.
using FindNames = std::function<std::vector<std::string>(const std::string& kind, const GivenOptions& given)>;

// Completes the last of `words`, which follow the program's name up to the cursor; it may be empty. Never throws for
// what was typed. Only what begins with the word is offered.
Completions Complete(const CLI::App& root, const std::vector<std::string>& words, const FindNames& names);

// The words of `PROGRAM complete [--quoted] -- WORD...`, the command that scripts call and help does not show: with
// --quoted as bash has them. Nothing if this is another command line.
std::optional<std::vector<std::string>> WordsToComplete(int argc, char** argv);

// What bash has as a word, without its quotes and backslashes; a quote may still be open.
std::string WithoutQuotes(const std::string& typed);

// The answer as a script reads it: a line ":nothing", ":files", ":directories" or ":commands", then one for each
// candidate, with a tab before its description.
std::string CompletionText(const Completions& completions);

// The script for a shell (bash, zsh or fish) that completes `program`.
std::string CompletionScript(const std::string& shell, const std::string& program);

}  // namespace rotv::program
