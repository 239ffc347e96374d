#include "cli/program/declarations.h"

#include <sstream>

namespace rotv::program {
namespace {

constexpr std::string_view kExamples = "Examples:";

// The options and arguments of `app` that are shown.
std::vector<const CLI::Option*> Shown(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

}  // namespace

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsOf(app)) names.push_back(command->get_name());
  return names;
}

const CLI::App* FindCommand(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* found = &app;
  for (const std::string& word : words) {
    const CLI::App* next = nullptr;
    for (const CLI::App* command : CommandsOf(*found)) {
      if (command->get_name() == word) next = command;
    }
    if (next == nullptr) return nullptr;
    found = next;
  }
  return found;
}

std::string PathOf(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : PathOf(*app.get_parent()) + " " + app.get_name();
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : Shown(app)) {
    if (option->nonpositional()) options.push_back(option);
  }
  return options;
}

std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& app) {
  std::vector<const CLI::Option*> arguments;
  for (const CLI::Option* option : Shown(app)) {
    if (option->get_positional()) arguments.push_back(option);
  }
  return arguments;
}

std::vector<std::string> SpellingsOf(const CLI::Option& option) {
  std::vector<std::string> spellings;
  for (const std::string& name : option.get_snames()) spellings.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) spellings.push_back("--" + name);
  return spellings;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

bool IsRepeatable(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

std::string ValueName(const CLI::Option& option) {
  const std::string all = option.get_type_name();  // "KIND:{seeds,clusters}": what is checked comes after the name.
  return all.substr(0, all.find(':'));
}

std::vector<std::string> AllowedWords(const CLI::Option& option) {
  const std::string all = option.get_type_name();
  const size_t begin = all.find(":{");
  if (begin == std::string::npos || !all.ends_with('}')) return {};
  std::vector<std::string> words;
  std::istringstream list(all.substr(begin + 2, all.size() - begin - 3));
  for (std::string word; std::getline(list, word, ',');) words.push_back(word);
  return words;
}

Footer FooterOf(const CLI::App& app) {
  Footer footer;
  std::istringstream lines(app.get_footer());
  bool in_examples = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == kExamples) {
      in_examples = true;
    } else if (in_examples && line.starts_with("  ")) {
      footer.examples.push_back(line.substr(2));
    } else if (!line.starts_with(kFooterEnd)) {
      in_examples = false;
      footer.text += line + "\n";
    }
  }
  while (footer.text.ends_with('\n')) footer.text.pop_back();
  return footer;
}

}  // namespace rotv::program
