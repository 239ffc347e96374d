#include "cli/program/misspelt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/output/did_you_mean.h"
#include "cli/program/declarations.h"

namespace rotv::program {
namespace {

std::string HelpCall(const CLI::App& app) { return PathOf(app) + " --help"; }

// What may be said of `app` in a message: nothing of the program itself, which the message begins with.
std::string NameIn(const CLI::App& app) {
  const std::string path = PathOf(app);
  const size_t space = path.find(' ');
  return space == std::string::npos ? "" : path.substr(space + 1);
}

// Options of the commands before `app` serve after it too.
std::vector<std::string> OptionsFor(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : OptionsOf(*at)) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

Error NoSuchOption(const CLI::App& app, const std::string& given) {
  const std::string word = given.substr(0, given.find('='));
  const std::string name = NameIn(app);
  const std::string nearest = output::NearestWord(word, OptionsFor(app));
  return Error(ErrorCode::kUsage,
               name.empty() ? fmt::format("there is no option {}", word)
                            : fmt::format("there is no option {} of {}", word, name),
               nearest.empty() ? HelpCall(app) : fmt::format("did you mean {}?", nearest));
}

// A value that is none of the allowed words; nothing if that is not what is wrong.
std::string NearestValue(const CLI::App& app) {
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      const std::vector<std::string> allowed = AllowedWords(*option);
      if (allowed.empty()) continue;
      for (const std::string& value : option->results()) {
        if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
          return output::NearestWord(value, allowed);
        }
      }
    }
  }
  return "";
}

bool IsOption(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

const CLI::App& ChosenCommand(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

Error NoSuchCommand(const CLI::App& app, const std::string& word) {
  const std::string name = NameIn(app);
  return Error(ErrorCode::kUsage,
               name.empty() ? fmt::format("there is no command \"{}\"", word)
                            : fmt::format("there is no command \"{}\" of {}", word, name),
               output::DidYouMean(word, CommandNames(app), "the commands are"));
}

Error NoCommand(const CLI::App& app) {
  const std::string name = NameIn(app);
  const CLI::App* root = &app;
  while (root->get_parent() != nullptr) root = root->get_parent();
  return Error(ErrorCode::kUsage, name.empty() ? "no command is given" : fmt::format("no command of {} is given", name),
               fmt::format("the commands are: {}; see {} help{} COMMAND", fmt::join(CommandNames(app), ", "),
                           root->get_name(), name.empty() ? "" : " " + name));
}

Error Explained(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App& app = ChosenCommand(root);
  const std::vector<std::string> left_over = root.remaining(true);
  if (!left_over.empty()) {
    const std::string& word = left_over.front();
    if (IsOption(word)) return NoSuchOption(app, word);
    if (!CommandsOf(app).empty()) return NoSuchCommand(app, word);
    return Error(ErrorCode::kUsage, fmt::format("{} does not take \"{}\"", NameIn(app), word), HelpCall(app));
  }
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) {
    const std::string nearest = NearestValue(app);
    if (!nearest.empty()) return Error(ErrorCode::kUsage, error.what(), fmt::format("did you mean \"{}\"?", nearest));
  }
  return Error(ErrorCode::kUsage, error.what(), HelpCall(app));
}

}  // namespace rotv::program
