#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/launch/log_filter.h"
#include "cli/launch/log_time.h"
#include "cli/launch/runtime.h"
#include "cli/rotv/command.h"
#include "os/clock.h"
#include "os/command.h"
#include "os/local_command.h"
#include "storage/error.h"

namespace rotv {
namespace {

struct LogFlags {
  bool follow = false;
  bool application = false;
  bool postgres = false;
  std::string since;
  int tail = 0;  // 0: all lines.

  launch::LogPart part() const {
    return application ? launch::LogPart::kApplication : postgres ? launch::LogPart::kPostgres : launch::LogPart::kAll;
  }
};

struct ReaderWentAway {};

void PrintLog(std::string_view text) {
  if (!text.empty() && !output::WriteAll(STDOUT_FILENO, text)) throw ReaderWentAway();
}

// Prints the lines that are wanted, of which the last ones are known only once no more come: at the end, or, where the
// log is followed, as soon as it falls silent.
class LogPrinter {
 public:
  LogPrinter(launch::LogPart part, int tail) : filter_(part), tail_(static_cast<size_t>(tail)) {}

  void Take(std::string_view piece) {
    const std::string lines = filter_.Feed(piece);
    if (tail_ == 0) return PrintLog(lines);
    for (size_t start = 0, end; (end = lines.find('\n', start)) != std::string::npos; start = end + 1) {
      Keep(lines.substr(start, end + 1 - start));
    }
    // A log that is never silent has its last lines shown, too.
    if (std::chrono::steady_clock::now() > begun_ + kLongest) ShowKept();
  }

  // What was kept back is printed, and what comes from now on at once.
  void ShowKept() {
    for (const std::string& line : kept_) PrintLog(line);
    kept_.clear();
    tail_ = 0;
  }

  void End() {
    const std::string rest = filter_.Rest();
    if (tail_ > 0 && !rest.empty()) Keep(rest);
    const bool is_kept = tail_ > 0;
    ShowKept();
    if (!is_kept) PrintLog(rest);
  }

 private:
  static constexpr std::chrono::seconds kLongest{5};

  void Keep(std::string line) {
    kept_.push_back(std::move(line));
    if (kept_.size() > tail_) kept_.pop_front();
  }

  launch::LogFilter filter_;
  size_t tail_;
  std::deque<std::string> kept_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

launch::LogView ViewOf(const LogFlags& flags) {
  launch::LogView view{.follow = flags.follow};
  if (flags.since.empty()) return view;
  const std::optional<int64_t> since = launch::ParseLogTime(flags.since, os::NowMicroseconds());
  if (!since || *since <= 0) {
    throw Error(ErrorCode::kUsage, fmt::format("\"{}\" is neither a duration nor a time", flags.since),
                launch::kLogTimeForms);
  }
  view.since_us = *since;
  return view;
}

// The command that prints the log of the last run, where nothing runs any more.
std::vector<std::string> KeptLogCommand(const std::filesystem::path& kept, const launch::Runtime& runtime,
                                        const launch::LogView& view) {
  if (!std::filesystem::exists(kept)) {
    throw Error(ErrorCode::kUsage, "there is no log: nothing was started", "rotv start");
  }
  if (runtime.name() == "local") return runtime.LogCommand(view);
  // A copy of a container's log has no times of its lines.
  const auto written = std::filesystem::last_write_time(kept).time_since_epoch();
  const auto now = std::filesystem::file_time_type::clock::now().time_since_epoch();
  const int64_t age_us = std::chrono::duration_cast<std::chrono::microseconds>(now - written).count();
  const bool is_older = view.since_us != 0 && os::NowMicroseconds() - age_us < view.since_us;
  return is_older ? std::vector<std::string>{"true"} : std::vector<std::string>{"cat", kept.native()};
}

int RunLogs(const program::Invocation& call, const RuntimeOption& option, const LogFlags& flags) {
  const launch::LogView view = ViewOf(flags);
  const launch::Project project = ProjectOf(call, option);
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, AppToActOn(call, project), project);
  const bool runs = runtime->State() != launch::RunState::kNone;
  const std::filesystem::path kept = project.place / "run" / "app.log";
  const std::vector<std::string> words = runs ? runtime->LogCommand(view) : KeptLogCommand(kept, *runtime, view);
  // One stream, in which the lines keep their order.
  std::vector<std::string> joined = {"sh", "-c", "exec \"$@\" 2>&1", "sh"};
  joined.insert(joined.end(), words.begin(), words.end());
  LogPrinter printer(flags.part(), flags.tail);
  try {
    const os::ProgramCall program{.argv = joined, .env = {}, .password = {}, .while_quiet = [&] {
                                    if (view.follow) printer.ShowKept();
                                  }};
    os::RunLocalCommand(
        program, [&](std::string_view piece) { printer.Take(piece); }, call.interrupt);
    printer.End();
  } catch (const ReaderWentAway&) {
    // As if it had read to the end.
  } catch (const Error& error) {
    // Whoever follows a log ends it by Ctrl-C: that needs no message.
    if (!view.follow || error.code() != ErrorCode::kInterrupted) throw;
    return static_cast<int>(ErrorCode::kInterrupted);
  }
  return 0;
}

}  // namespace

program::Command DeclareLogs(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Print the log of the database and the application");
  app.footer(
      "If nothing runs, prints the log of the last start.\n\n"
      "Examples:\n"
      "  rotv logs -f\n"
      "  rotv logs --since 10m              # what was written in the last ten minutes\n"
      "  rotv logs --app --tail 20          # what the application wrote last");
  auto flags = std::make_shared<LogFlags>();
  app.add_flag("-f,--follow", flags->follow, "Keep printing until the application ends");
  CLI::Option* application = app.add_flag("--app", flags->application, "Only what the application wrote");
  app.add_flag("--postgres", flags->postgres, "Only what PostgreSQL wrote")->excludes(application);
  app.add_option("--since", flags->since, "Only what was written since then: 10m, or a time")->type_name("TIME");
  app.add_option("--tail", flags->tail, "Only the last N lines of it")->type_name("N")->check(CLI::PositiveNumber);
  return {[flags, &runtime](const program::Invocation& call) { return RunLogs(call, runtime, *flags); },
          [] { return true; }};
}

}  // namespace rotv
