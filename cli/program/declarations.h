// Reads the declarations of the command line: what help, suggestions, completions and manual pages know of commands and
// options, they know from here. Nothing else lists them.

#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::program {

// The commands directly below `app`, in the order of their declaration.
std::vector<const CLI::App*> CommandsOf(const CLI::App& app);
std::vector<std::string> CommandNames(const CLI::App& app);

// The command below `app` that these words name; null if they name none. No words name `app` itself.
const CLI::App* FindCommand(const CLI::App& app, const std::vector<std::string>& words);

// The words that call a command: "rotv-sync snapshot create".
std::string PathOf(const CLI::App& app);

// The options that `app` itself declares, without arguments; and its arguments, in their order. An argument that has an
// option's name too is in both.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& app);
std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& app);

// "--json" or "-f", as they are typed; the long one comes last.
std::vector<std::string> SpellingsOf(const CLI::Option& option);

// True if a word follows the option: it is no flag.
bool TakesValue(const CLI::Option& option);
// True if it may be given several times.
bool IsRepeatable(const CLI::Option& option);

// What help shows for the value: "FILE".
std::string ValueName(const CLI::Option& option);
// The only words that the value may be; empty: any.
std::vector<std::string> AllowedWords(const CLI::Option& option);

// Begins the last line of each command's footer, which leads to the program's own help.
inline constexpr std::string_view kFooterEnd = "Options of every command";

// A footer has text, and may end with examples: a line "Examples:", then lines that are indented. kFooterEnd's line is
// in neither.
struct Footer {
  std::string text;
  std::vector<std::string> examples;  // Without their indent.
};
Footer FooterOf(const CLI::App& app);

}  // namespace rotv::program
