#include "cli/program/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/program/completion.h"
#include "cli/program/declarations.h"
#include "cli/program/man_page.h"
#include "cli/program/misspelt.h"
#include "storage/atomic_file.h"

namespace rotv::program {
namespace {

const std::map<std::string, output::LogFormat> kLogFormats = {{"text", output::LogFormat::kText},
                                                              {"json", output::LogFormat::kJson}};

// Ends the help of a command, and that of the commands below it, which have inherited the text of their parent unless
// they have one of their own.
void EndFooter(const CLI::App& root, CLI::App& command) {
  for (CLI::App* below : command.get_subcommands([](CLI::App*) { return true; })) {
    if (below->get_footer() == command.get_footer()) below->footer("");
    EndFooter(root, *below);
  }
  const std::string own = command.get_footer();
  command.footer(fmt::format("{}{}{} (--home, --json, ...): {} --help", own, own.empty() ? "" : "\n\n", kFooterEnd,
                             root.get_name()));
}

// What CLI11 writes for --help, which ends the parsing.
std::string TextOf(const CLI::App& app, const CLI::Success& success) {
  std::ostringstream text;
  app.exit(success, text, text);
  return text.str();
}

// App::help() shows the command that was parsed last in place of the one that it is called for.
std::string HelpOf(const CLI::App& command) {
  return command.get_formatter()->make_help(&command, PathOf(command), CLI::AppFormatMode::Normal);
}

}  // namespace

CommandLine::CommandLine(const Program& program) : program_(program), app_(program.description, program.name) {
  DeclareOptions();
  DeclareCommands();
  DeclareHelp();
  DeclareCompletion();
  DeclareMan();
  for (CLI::App* command : app_.get_subcommands([](CLI::App*) { return true; })) {
    if (command->get_footer() == app_.get_footer()) command->footer("");
    EndFooter(app_, *command);
  }
}

void CommandLine::DeclareOptions() {
  app_.set_version_flag(
      "--version", [] { return std::string(); }, "Print the version, commit, build and libraries, and exit");
  app_.set_help_flag("-h,--help", "Print this help and exit");
  app_.add_option("--home", options_.home, "The directory of all local state (default: $ROTV_HOME, else ~/.rotv)")
      ->type_name("DIR");
  app_.add_option("--config", options_.config,
                  "The config file (default: $ROTV_CONFIG, else ./rotv.toml, else HOME/rotv.toml)")
      ->type_name("FILE");
  app_.add_option("--source", options_.source, "The source to work on (default: the only one, else production)")
      ->type_name("SOURCE");
  app_.add_flag("--json", options_.json, "Print the result as one JSON document on stdout");
  app_.add_option("--log-format", options_.log_format,
                  "What is written on stderr: text (default), or json, one object a line")
      ->type_name("text|json")
      ->transform(CLI::CheckedTransformer(kLogFormats).description(""));
  CLI::Option* quiet = app_.add_flag("-q,--quiet", options_.quiet, "Print only warnings and errors on stderr");
  app_.add_flag("-v,--verbose", options_.verbose, "Print more on stderr")->excludes(quiet);
  app_.require_subcommand(1);
  app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app_.footer(program_.footer);
  if (program_.declare_options) program_.declare_options(app_);
}

void CommandLine::DeclareCommands() {
  for (const CommandEntry& entry : program_.commands) {
    CLI::App* command = app_.add_subcommand(entry.name);
    command->fallthrough();  // Global options may come after the command too.
    commands_.emplace(entry.name, entry.declare(*command));
  }
}

void CommandLine::DeclareHelp() {
  CLI::App* help = app_.add_subcommand("help", "Show the help of a command");
  help->fallthrough();
  help->add_option("command", help_words_, "The command, and the one below it")->type_name("COMMAND");
  help->footer(fmt::format("Examples:\n  {0} help\n  {0} help snapshot create", program_.name));
  own_commands_["help"] = [this] { return HelpFor(help_words_); };
}

void CommandLine::DeclareCompletion() {
  CLI::App* completion = app_.add_subcommand("completion", "Print the script that completes command lines in a shell");
  completion->fallthrough();
  completion->add_option("shell", shell_, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      fmt::format("The script asks {0} what can come next: sources, snapshots and tables too.\n\n"
                  "Examples:\n"
                  "  source <({0} completion bash)                    # in ~/.bashrc\n"
                  "  source <({0} completion zsh)                     # in ~/.zshrc, after compinit\n"
                  "  {0} completion fish >~/.config/fish/completions/{0}.fish",
                  program_.name));
  own_commands_["completion"] = [this] { return CompletionScript(shell_, program_.name); };
}

void CommandLine::DeclareMan() {
  CLI::App* man = app_.add_subcommand("man", "Print the manual page of the program or of a command, as roff");
  man->fallthrough();
  CLI::Option* command = man->add_option("command", man_command_, "The command")->type_name("COMMAND");
  man->add_option("--output", man_directory_, "Write all pages into this directory instead")
      ->type_name("DIR")
      ->excludes(command);
  man->footer(
      fmt::format("Examples:\n"
                  "  {0} man | man -l -\n"
                  "  {0} man snapshot | man -l -\n"
                  "  {0} man --output ~/.local/share/man/man1",
                  program_.name));
  own_commands_["man"] = [this] { return ManPagesAskedFor(); };
}

std::string CommandLine::ManPagesAskedFor() const {
  const ManEdition edition{.version = ProgramVersion(), .date = program_.commit.date};
  if (man_directory_.empty()) {
    const std::vector<std::string> words =
        man_command_.empty() ? std::vector<std::string>{} : std::vector{man_command_};
    const CLI::App* command = FindCommand(app_, words);
    if (command == nullptr) throw NoSuchCommand(app_, man_command_);
    return ManPageOf(*command, edition).text;
  }
  for (const ManPage& page : ManPagesOf(app_, edition)) {
    AtomicFile file(std::filesystem::path(man_directory_) / page.file);
    file.Write(page.text);
    file.Permit(0644, getegid());  // Every user reads them.
    file.Commit();
  }
  return "";
}

std::string CommandLine::HelpFor(const std::vector<std::string>& words) const {
  const CLI::App* command = &app_;
  for (const std::string& word : words) {
    const CLI::App* next = FindCommand(*command, {word});
    if (next == nullptr) throw NoSuchCommand(*command, word);
    command = next;
  }
  return HelpOf(*command);
}

std::optional<Answer> CommandLine::Parse(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return Answer{.text = VersionText(program_.name, program_.commit),
                  .json = output::JsonText(VersionJson(program_.name, program_.commit)),
                  .failure = {}};
  } catch (const CLI::Success& success) {
    const std::string text = TextOf(app_, success);
    return Answer{.text = text, .json = text, .failure = {}};
  } catch (const CLI::ParseError& error) {
    const CLI::App& command = ChosenCommand(app_);
    const bool is_missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (!is_missing || !app_.remaining(true).empty() || CommandsOf(command).empty()) throw Explained(app_, error);
    return Answer{.text = HelpOf(command), .json = "", .failure = NoCommand(command)};
  }
  const auto own = own_commands_.find(app_.get_subcommands().front()->get_name());
  if (own == own_commands_.end()) return std::nullopt;
  const std::string text = own->second();
  return Answer{.text = text, .json = text, .failure = {}};
}

void CommandLine::TakeSourceOfPoint(const std::vector<std::string>& sources) {
  for (CLI::Option* option : PointOptions()) {
    std::vector<std::string> points = option->results();
    for (std::string& point : points) {
      const size_t colon = point.find(':');
      if (colon == std::string::npos) continue;
      const std::string source = point.substr(0, colon);
      if (std::find(sources.begin(), sources.end(), source) == sources.end()) continue;
      if (!options_.source.empty() && options_.source != source) {
        throw Error(ErrorCode::kUsage, fmt::format("{} is of another source than {}", point, options_.source),
                    "name one source");
      }
      options_.source = source;
      point.erase(0, colon + 1);
    }
    option->clear();
    for (const std::string& point : points) option->add_result(point);
    option->run_callback();
  }
}

bool CommandLine::MayNameSource() const {
  for (const CLI::Option* option : PointOptions()) {
    for (const std::string& point : option->results()) {
      if (point.find(':') != std::string::npos) return true;
    }
  }
  return false;
}

std::vector<CLI::Option*> CommandLine::PointOptions() const {
  std::vector<CLI::Option*> options;
  for (const char* name : {"--snapshot", "--at"}) {
    CLI::Option* option = app_.get_subcommands().front()->get_option_no_throw(name);
    if (option != nullptr && option->count() > 0) options.push_back(option);
  }
  return options;
}

}  // namespace rotv::program
