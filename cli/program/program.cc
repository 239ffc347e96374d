#include "cli/program/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <new>
#include <optional>

#include "cli/config/home.h"
#include "cli/program/command_line.h"
#include "cli/program/completion.h"
#include "cli/program/local_names.h"
#include "os/clock.h"
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

int RunCommand(const Program& program, CommandLine& line, const os::Environment& environment, output::Output& output) {
  const GlobalOptions& options = line.options();
  output::ProgressBar progress(
      {.program = program.name,
       .verbosity = options.verbosity(),
       .terminal = options.log_format == output::LogFormat::kText && output::IsTerminal(STDERR_FILENO, environment),
       .style = output::StyleFor(STDERR_FILENO, environment),
       .width = [] { return output::TerminalWidth(STDERR_FILENO); },
       .format = options.log_format,
       .log_time = os::NowMicroseconds,
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

// The same of --log-format json.
bool JsonLogIsAskedFor(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") break;
    if (word == "--log-format=json") return true;
    if (word == "--log-format" && i + 1 < argc && std::string_view(argv[i + 1]) == "json") return true;
  }
  return false;
}

// Writes what Fail() writes for an interrupt, on a line of its own where a progress bar may be drawn.
os::LastWords InterruptedWords(const Program& program, output::Output::Form form, bool json_log,
                               const os::Environment& environment) {
  os::LastWords words{.descriptor = form == output::Output::Form::kJson ? STDOUT_FILENO : STDERR_FILENO, .text = {}};
  const auto write = [&](std::string_view text) {
    words.text += text;
    return true;
  };
  output::Output(program.name, form, {.out = write, .err = write, .json_log = json_log}).Failure(Interrupted());
  if (form == output::Output::Form::kText && !json_log && output::IsTerminal(STDERR_FILENO, environment))
    words.text.insert(0, "\n");
  return words;
}

// A shell waits for this, and so does a person: what takes too long, such as a lock that another run holds, is given
// up, and then there is nothing to offer.
int OfferCompletions(const CLI::App& app, const std::vector<std::string>& words, const os::Environment& environment) {
  constexpr unsigned kAtMostSeconds = 3;
  std::signal(SIGALRM, [](int) { _exit(0); });
  alarm(kAtMostSeconds);
  const Completions found = Complete(app, words, [&](const std::string& kind, const GivenOptions& given) {
    return LocalNames(kind, given, environment);
  });
  output::WriteAll(STDOUT_FILENO, CompletionText(found));
  return 0;
}

}  // namespace

Error ErrorOf(const std::exception_ptr& exception, const char* program) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kBug, "out of memory",
                 "256 MiB should be enough, unless a single row is larger: please report this as a bug");
  } catch (const std::filesystem::filesystem_error& error) {
    return DiskError("use", error.path1(), error.code().value());
  } catch (const std::exception& error) {
    return Error(ErrorCode::kBug, fmt::format("a bug in {}: {}", program, error.what()));
  }
}

int RunProgram(const Program& program, int argc, char** argv) {
  PrepareProcess();
  const os::Environment& environment = os::TakeEnvironment();  // PGDATABASE and PGUSER may describe a source.
  const bool json_log = JsonLogIsAskedFor(argc, argv);
  os::StopOnSignals(&g_interrupt, InterruptedWords(program, FormAskedFor(argc, argv), json_log, environment));
  output::Output output(program.name, FormAskedFor(argc, argv),
                        {.out = [](std::string_view text) { return output::WriteAll(STDOUT_FILENO, text); },
                         .err = [](std::string_view text) { return output::WriteAll(STDERR_FILENO, text); },
                         .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                         .json_log = json_log,
                         .now = os::NowMicroseconds});
  try {
    CommandLine line(program);
    if (const auto words = WordsToComplete(argc, argv)) return OfferCompletions(line.app(), *words, environment);
    const bool json = FormAskedFor(argc, argv) == output::Output::Form::kJson;
    if (const std::optional<Answer> answer = line.Parse(argc, argv)) {
      if (!answer->failure) return output::WriteAll(STDOUT_FILENO, json ? answer->json : answer->text), 0;
      if (!json && !json_log) output::WriteAll(STDERR_FILENO, answer->text + "\n");
      return Fail(program, output, *answer->failure);
    }
    if (line.chosen().takes_stdout && line.chosen().takes_stdout()) output.LeaveStdoutToData();
    return RunCommand(program, line, environment, output);
  } catch (const std::exception&) {
    return Fail(program, output, ErrorOf(std::current_exception(), program.name));
  }
}

}  // namespace rotv::program
