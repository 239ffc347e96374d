#include "cli/program/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <new>
#include <optional>
#include <sstream>

#include "cli/config/home.h"
#include "cli/output/did_you_mean.h"
#include "os/process_environment.h"
#include "os/stop_signals.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/open_files.h"
#include "storage/source_records.h"

namespace rotv::program {
namespace {

Interrupt g_interrupt;  // Signal handlers reach it.

Error Interrupted() { return Error(ErrorCode::kInterrupted, "interrupted", "run the same command again to continue"); }

void PrepareProcess() {
  // The number of a closed stream would go to the next file that is opened, and results would be written into that
  // file.
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    bool closed = fcntl(descriptor, F_GETFD) == -1;
    if (closed && open("/dev/null", O_RDONLY) < 0) _exit(static_cast<int>(ErrorCode::kCannotStart));
  }
  rlimit no_core{0, 0};  // Rows and passwords are in our memory.
  setrlimit(RLIMIT_CORE, &no_core);
  umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // Beyond a limit on file sizes a write fails, and is reported like a full disk.
}

class CommandLine {
 public:
  explicit CommandLine(const Program& program) : program_(program), app_(program.description, program.name) {
    app_.set_version_flag("--version", fmt::format("{} {}", program.name, ROTV_VERSION), "Print the version and exit");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.add_option("--home", options_.home, "The directory of all local state (default: $ROTV_HOME, else ~/.rotv)")
        ->type_name("DIR");
    app_.add_option("--config", options_.config,
                    "The config file (default: $ROTV_CONFIG, else ./rotv.toml, else HOME/rotv.toml)")
        ->type_name("FILE");
    app_.add_option("--source", options_.source, "The source to work on (default: the only one, else production)")
        ->type_name("NAME");
    app_.add_flag("--json", options_.json, "Print the result as one JSON document on stdout");
    CLI::Option* quiet = app_.add_flag("-q", options_.quiet, "Print only warnings and errors on stderr");
    app_.add_flag("-v", options_.verbose, "Print more on stderr")->excludes(quiet);
    app_.require_subcommand(1);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app_.footer(program.footer);
    if (program.declare_options) program.declare_options(app_);
    for (const CommandEntry& entry : program.commands) {
      CLI::App* command = app_.add_subcommand(entry.name);
      command->fallthrough();  // Global options may come after the command too.
      commands_.emplace(entry.name, entry.declare(*command));
      command->footer(fmt::format("{}\n\nOptions of every command (--home, --json, ...): {} --help",
                                  command->get_footer(), program.name));
    }
  }

  // Returns the text to print for --help and --version, after which the program ends; else nothing. Throws kUsage for a
  // command line that cannot be parsed.
  std::optional<std::string> Parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& success) {
      std::ostringstream text;
      app_.exit(success, text, text);
      return text.str();
    } catch (const CLI::ParseError& error) {
      throw Explained(error);
    }
    return std::nullopt;
  }

  // Where a point is given as SOURCE:POINT, with one of these sources, --source is that one from now on, and the point
  // is what is left. Times have colons too. Throws kUsage if the command line names two sources.
  void TakeSourceOfPoint(const std::vector<std::string>& sources) {
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
  // True if a point that was given may name a source.
  bool MayNameSource() const {
    for (const CLI::Option* option : PointOptions()) {
      for (const std::string& point : option->results()) {
        if (point.find(':') != std::string::npos) return true;
      }
    }
    return false;
  }

  const GlobalOptions& options() const { return options_; }

  const Command& chosen() const { return commands_.at(app_.get_subcommands().front()->get_name()); }

 private:
  // Those that were given.
  std::vector<CLI::Option*> PointOptions() const {
    std::vector<CLI::Option*> options;
    for (const char* name : {"--snapshot", "--at"}) {
      CLI::Option* option = app_.get_subcommands().front()->get_option_no_throw(name);
      if (option != nullptr && option->count() > 0) options.push_back(option);
    }
    return options;
  }

  Error Explained(const CLI::ParseError& error) const {
    std::vector<CLI::App*> parsed = app_.get_subcommands();
    if (!parsed.empty()) {
      return Error(ErrorCode::kUsage, error.what(),
                   fmt::format("{} {} --help", program_.name, parsed.front()->get_name()));
    }
    std::vector<std::string> names;
    for (const CommandEntry& entry : program_.commands) names.emplace_back(entry.name);
    std::vector<std::string> left_over = app_.remaining();
    if (!left_over.empty() && left_over.front().starts_with('-')) {
      return Error(ErrorCode::kUsage, fmt::format("there is no option {}", left_over.front()), Help());
    }
    if (!left_over.empty()) {
      return Error(ErrorCode::kUsage, fmt::format("there is no command \"{}\"", left_over.front()),
                   output::DidYouMean(left_over.front(), names, "the commands are"));
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) {
      return Error(ErrorCode::kUsage, error.what(), Help());
    }
    return Error(ErrorCode::kUsage, "no command is given",
                 fmt::format("the commands are: {}; see {}", fmt::join(names, ", "), Help()));
  }

  std::string Help() const { return fmt::format("{} --help", program_.name); }

  const Program& program_;
  CLI::App app_;
  GlobalOptions options_;
  std::map<std::string, Command> commands_;
};

int RunCommand(const Program& program, CommandLine& line, const os::Environment& environment, output::Output& output) {
  const GlobalOptions& options = line.options();
  output::ProgressBar progress({.program = program.name,
                                .verbosity = options.verbosity(),
                                .terminal = output::IsTerminal(STDERR_FILENO, environment),
                                .style = output::StyleFor(STDERR_FILENO, environment),
                                .width = [] { return output::TerminalWidth(STDERR_FILENO); },
                                .write = [](std::string_view text) { output::WriteAll(STDERR_FILENO, text); }});
  RequireOpenFiles();
  const std::filesystem::path home = config::ResolveHome(options.home, environment);
  if (program.remove_leftovers != nullptr) program.remove_leftovers(home);
  config::Config config({.config = options.config, .source = options.source, .home = home, .environment = environment});
  if (line.MayNameSource()) {
    std::vector<std::string> sources = config.ConfiguredSources();
    const std::vector<std::string> imported = ImportedSources(home);
    sources.insert(sources.end(), imported.begin(), imported.end());
    line.TakeSourceOfPoint(sources);
    config.ChooseSource(options.source);
  }
  const int status = line.chosen().run({options, environment, home, progress, output, g_interrupt,
                                        output::StyleFor(STDOUT_FILENO, environment), config});
  os::ForgetLastWords();
  return status;
}

// Returns if there was never a reader.
void EndByBrokenPipe() {
  if (!output::PipeIsBroken(STDOUT_FILENO)) return;
  std::signal(SIGPIPE, SIG_DFL);
  (void)raise(SIGPIPE);
}

int Fail(const Program& program, output::Output& output, const Error& error) {
  // Ctrl-C also reaches the programs that we started, and their end may be noticed first.
  bool consequence = g_interrupt.requested() && error.code() != ErrorCode::kBug && error.code() != ErrorCode::kCorrupt;
  Error shown = error;
  if (consequence && error.code() != ErrorCode::kInterrupted) {
    shown = Interrupted();
  }
  os::ForgetLastWords();  // The end of the process may take until the deadline: nothing is said twice.
  // A reader that closes its pipe early needs no message: the process ends like any filter.
  bool quiet = shown.code() == ErrorCode::kDisk && output::ReaderIsGone(STDOUT_FILENO);
  if (quiet) EndByBrokenPipe();
  try {
    if (!quiet) output.Failure(shown);
  } catch (const Error&) {
    // stdout cannot be written, so that --json cannot report the error there. If stderr cannot be written either, only
    // the exit code reports it.
    try {
      output::WriteAll(STDERR_FILENO, fmt::format("{}: {}\n", program.name, output::OneLine(shown.what())));
    } catch (const Error&) {
    }
  }
  return static_cast<int>(shown.code());
}

// Errors of the command line itself are JSON too if --json is given, even if the parser did not get to it.
output::Output::Form FormAskedFor(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--") break;
    if (word == "--json") return output::Output::Form::kJson;
  }
  return output::Output::Form::kText;
}

// Writes what Fail() writes for an interrupt, on a line of its own where a progress bar may be drawn.
os::LastWords InterruptedWords(const Program& program, output::Output::Form form, const os::Environment& environment) {
  os::LastWords words{.descriptor = form == output::Output::Form::kJson ? STDOUT_FILENO : STDERR_FILENO, .text = {}};
  const auto write = [&](std::string_view text) {
    words.text += text;
    return true;
  };
  output::Output(program.name, form, {.out = write, .err = write}).Failure(Interrupted());
  if (form == output::Output::Form::kText && output::IsTerminal(STDERR_FILENO, environment)) words.text.insert(0, "\n");
  return words;
}

}  // namespace

int RunProgram(const Program& program, int argc, char** argv) {
  PrepareProcess();
  const os::Environment& environment = os::TakeEnvironment();  // PGDATABASE and PGUSER may describe a source.
  os::StopOnSignals(&g_interrupt, InterruptedWords(program, FormAskedFor(argc, argv), environment));
  output::Output output(program.name, FormAskedFor(argc, argv),
                        {.out = [](std::string_view text) { return output::WriteAll(STDOUT_FILENO, text); },
                         .err = [](std::string_view text) { return output::WriteAll(STDERR_FILENO, text); },
                         .out_is_terminal = isatty(STDOUT_FILENO) == 1});
  try {
    CommandLine line(program);
    if (std::optional<std::string> text = line.Parse(argc, argv)) {
      output::WriteAll(STDOUT_FILENO, *text);
      return 0;
    }
    if (line.chosen().takes_stdout && line.chosen().takes_stdout()) output.LeaveStdoutToData();
    return RunCommand(program, line, environment, output);
  } catch (const Error& error) {
    return Fail(program, output, error);
  } catch (const std::bad_alloc&) {
    return Fail(program, output,
                Error(ErrorCode::kBug, "out of memory",
                      "256 MiB should be enough, unless a single row is larger: please report this as a bug"));
  } catch (const std::filesystem::filesystem_error& error) {
    return Fail(program, output, DiskError("use", error.path1(), error.code().value()));
  } catch (const std::exception& error) {
    return Fail(program, output, Error(ErrorCode::kBug, fmt::format("a bug in {}: {}", program.name, error.what())));
  }
}

}  // namespace rotv::program
