#include "cli/program/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/output/format.h"
#include "cli/output/terminal.h"
#include "cli/program/declarations.h"
#include "cli/program/embedded_file.h"

namespace rotv::program {
namespace {

// True for help and man: their arguments are commands of the program.
bool NamesCommands(const CLI::App& app) {
  const std::vector<const CLI::Option*> arguments = ArgumentsOf(app);
  return app.get_parent() != nullptr && arguments.size() == 1 && ValueName(*arguments.front()) == "COMMAND";
}

// How far the line is understood before the word at the cursor.
class Position {
 public:
  explicit Position(const CLI::App& root) : app_(&root) {}

  void Take(const std::string& word) {
    if (pending_ != nullptr) {
      if (word == "=") return;  // bash takes "--source=x" apart.
      Give(*pending_, word);
      pending_ = nullptr;
    } else if (foreign_) {
      return;
    } else if (word == "--") {
      foreign_ = true;
    } else if (word.size() > 1 && word.front() == '-') {
      TakeOption(word);
    } else if (const CLI::App* next = NextCommand(word)) {
      app_ = next;
      arguments_ = 0;
    } else {
      ++arguments_;
    }
  }

  const CLI::App& app() const { return *app_; }
  const CLI::Option* pending() const { return pending_; }
  bool foreign() const { return foreign_; }  // After "--": the words are another command's.
  const GivenOptions& given() const { return given_; }

  // The option that is spelt so; those of commands before serve too. Null if there is none.
  const CLI::Option* Find(const std::string& spelling) const {
    for (const CLI::App* at = app_; at != nullptr; at = Before(*at)) {
      for (const CLI::Option* option : OptionsOf(*at)) {
        for (const std::string& own : SpellingsOf(*option)) {
          if (own == spelling) return option;
        }
      }
    }
    return nullptr;
  }

  std::vector<const CLI::Option*> StillPossible() const {
    std::vector<const CLI::Option*> options;
    for (const CLI::App* at = app_; at != nullptr; at = Before(*at)) {
      for (const CLI::Option* option : OptionsOf(*at)) {
        const auto is_same = [&](const CLI::Option* other) { return SpellingsOf(*other) == SpellingsOf(*option); };
        const bool was_given = std::find(used_.begin(), used_.end(), option) != used_.end();
        const bool is_there = std::any_of(options.begin(), options.end(), is_same);  // --help, of each command.
        if (!is_there && (!was_given || IsRepeatable(*option))) options.push_back(option);
      }
    }
    return options;
  }

  // The argument that the word at the cursor is; null if none is expected.
  const CLI::Option* Argument() const {
    const std::vector<const CLI::Option*> all = ArgumentsOf(*app_);
    if (arguments_ < all.size()) return all[arguments_];
    return !all.empty() && IsRepeatable(*all.back()) ? all.back() : nullptr;
  }
  bool MayBeCommand() const { return arguments_ == 0; }

 private:
  // After a command that passes everything on, what comes is not for the commands before it.
  static const CLI::App* Before(const CLI::App& app) {
    return app.get_parent() != nullptr && app.get_fallthrough() ? app.get_parent() : nullptr;
  }

  const CLI::App* NextCommand(const std::string& word) const {
    if (NamesCommands(*app_)) return FindCommand(*app_->get_parent(), {word});
    return arguments_ == 0 ? FindCommand(*app_, {word}) : nullptr;
  }

  void TakeOption(const std::string& word) {
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    // "-fVALUE", and several flags in one word.
    const std::string spelling = word.starts_with("--") ? word.substr(0, equals) : word.substr(0, 2);
    const CLI::Option* option = Find(spelling);
    if (option == nullptr) return;
    used_.push_back(option);
    if (!TakesValue(*option)) return;
    if (equals != std::string::npos) {
      Give(*option, word.substr(equals + 1));
    } else if (word == spelling) {
      pending_ = option;
    }
  }

  void Give(const CLI::Option& option, const std::string& value) {
    for (const std::string& spelling : SpellingsOf(option)) given_[spelling] = value;
  }

  const CLI::App* app_;
  const CLI::Option* pending_ = nullptr;
  std::vector<const CLI::Option*> used_;
  GivenOptions given_;
  bool foreign_ = false;
  size_t arguments_ = 0;
};

class Offer {
 public:
  explicit Offer(std::string begin) : begin_(std::move(begin)) {}

  void Add(const std::string& word, const std::string& description = "") {
    // A name with a line end cannot be offered line by line.
    if (word.starts_with(begin_) && output::OneLine(word) == word) {
      const std::string first_line = description.substr(0, description.find('\n'));
      completions_.candidates.push_back({before_ + word, output::OneLine(first_line)});
    }
  }

  void AddCommands(const CLI::App& app) {
    for (const CLI::App* command : CommandsOf(app)) Add(command->get_name(), command->get_description());
  }

  void AddValues(const CLI::Option& option, const GivenOptions& given, const FindNames& names) {
    for (const std::string& word : AllowedWords(option)) Add(word);
    const std::string kind = ValueName(option);
    for (const std::string& name : names(kind, given)) Add(name);
    if (kind == "FILE" || kind.starts_with("PATH")) completions_.also = Completions::Also::kFiles;
    if (kind == "DIR") completions_.also = Completions::Also::kDirectories;
  }

  // The short spelling is offered where there is no other.
  void AddOptions(const std::vector<const CLI::Option*>& options) {
    for (const CLI::Option* option : options) Add(SpellingsOf(*option).back(), option->get_description());
  }

  // From here on the candidates are values of this option, in the same word: "--source=" comes before them.
  void ValuesBehind(const std::string& option) {
    before_ = option;
    begin_.erase(0, option.size());
  }

  void Also(Completions::Also also) { completions_.also = also; }
  Completions Take() { return std::move(completions_); }

 private:
  std::string begin_;
  std::string before_;
  Completions completions_;
};

const char* NameOf(Completions::Also also) {
  switch (also) {
    case Completions::Also::kNothing:
      break;
    case Completions::Also::kFiles:
      return "files";
    case Completions::Also::kDirectories:
      return "directories";
    case Completions::Also::kCommands:
      return "commands";
  }
  return "nothing";
}

void Replace(std::string* text, std::string_view what, const std::string& by) {
  for (size_t at = text->find(what); at != std::string::npos; at = text->find(what, at + by.size())) {
    text->replace(at, what.size(), by);
  }
}

}  // namespace

Completions Complete(const CLI::App& root, const std::vector<std::string>& words, const FindNames& names) {
  if (words.empty()) return {};
  Position position(root);
  for (size_t i = 0; i + 1 < words.size(); ++i) position.Take(words[i]);
  const std::string& word = words.back();
  Offer offer(word == "=" && position.pending() != nullptr ? "" : word);
  const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
  if (position.pending() != nullptr) {
    offer.AddValues(*position.pending(), position.given(), names);
  } else if (position.foreign()) {
    offer.Also(Completions::Also::kCommands);
  } else if (equals != std::string::npos) {
    const CLI::Option* option = position.Find(word.substr(0, equals));
    offer.ValuesBehind(word.substr(0, equals + 1));
    if (option != nullptr && TakesValue(*option)) offer.AddValues(*option, position.given(), names);
  } else if (word.starts_with('-')) {
    offer.AddOptions(position.StillPossible());
  } else if (NamesCommands(position.app())) {
    offer.AddCommands(root);
  } else {
    if (position.MayBeCommand()) offer.AddCommands(position.app());
    if (const CLI::Option* argument = position.Argument()) offer.AddValues(*argument, position.given(), names);
  }
  return offer.Take();
}

std::optional<std::vector<std::string>> WordsToComplete(int argc, char** argv) {
  const std::vector<std::string> all(argv + std::min(argc, 1), argv + argc);
  if (all.size() < 2 || all[0] != "complete") return std::nullopt;
  const bool quoted = all[1] == "--quoted";
  const size_t dashes = quoted ? 2 : 1;
  if (all.size() <= dashes || all[dashes] != "--") return std::nullopt;
  std::vector<std::string> words(all.begin() + static_cast<ptrdiff_t>(dashes) + 1, all.end());
  if (quoted) std::transform(words.begin(), words.end(), words.begin(), WithoutQuotes);
  return words;
}

std::string WithoutQuotes(const std::string& typed) {
  std::string word;
  char quote = '\0';
  for (size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = '\0';
    } else if (c == '\\' && quote != '\'' && i + 1 < typed.size()) {
      word += typed[++i];
    } else {
      word += c;
    }
  }
  return word;
}

std::string CompletionText(const Completions& completions) {
  std::string text = fmt::format(":{}\n", NameOf(completions.also));
  for (const Candidate& candidate : completions.candidates) {
    text += candidate.description.empty() ? fmt::format("{}\n", candidate.word)
                                          : fmt::format("{}\t{}\n", candidate.word, candidate.description);
  }
  return text;
}

std::string CompletionScript(const std::string& shell, const std::string& program) {
  std::string function = program;
  std::replace(function.begin(), function.end(), '-', '_');
  for (const EmbeddedFile& file : CompletionFiles()) {
    if (!file.path.ends_with("." + shell)) continue;
    std::string script(file.text);
    Replace(&script, "PROGRAM", program);
    Replace(&script, "FUNCTION", function);
    return script;
  }
  return "";
}

}  // namespace rotv::program
