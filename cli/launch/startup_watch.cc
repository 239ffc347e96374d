#include "cli/launch/startup_watch.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

constexpr std::chrono::milliseconds kPollLog{500};  // How often the runtime is asked for its state.
constexpr std::chrono::milliseconds kReread{
    100};  // How often it is looked whether there is still anything to wait for.
constexpr std::chrono::milliseconds kLastLines{200};  // Time for the last lines to arrive.

}  // namespace

StartupWatch::StartupWatch(Runtime& runtime, std::filesystem::path log_file)
    : runtime_(runtime), log_file_(std::move(log_file)) {
  bool keep = runtime.name() != "local";
  thread_ = std::thread([this, words = runtime.LogCommand({.follow = true}), keep] { Follow(words, keep); });
}

StartupWatch::~StartupWatch() {
  stop_.Request();
  thread_.join();
}

void StartupWatch::Follow(const std::vector<std::string>& words, bool keep) {
  std::ofstream copy;
  if (keep) copy.open(log_file_, std::ios::binary | std::ios::trunc);
  try {
    os::RunProgramShowing(words, stop_, [&](std::string_view piece) {
      if (keep) copy << piece << std::flush;
      std::lock_guard lock(mutex_);
      log_.Feed(piece);
      ++pieces_;
      fed_.notify_all();
    });
  } catch (const Error&) {
    // The command was stopped, or cannot be run: either way the log has ended.
  }
  log_ended_ = true;
}

StartupState StartupWatch::State() const {
  std::lock_guard lock(mutex_);
  return log_.state();
}

bool StartupWatch::AwaitDatabase(output::ProgressBar& progress, const Interrupt& interrupt) {
  bool importing = false;
  bool indexing = false;
  ImportPace pace;
  std::string still;
  while (true) {
    interrupt.Check();
    const uint64_t pieces = pieces_;  // Before the state: whatever comes after it ends the wait.
    StartupState state = State();
    if (!state.unusable.empty()) throw WarmUnusable(state.unusable);
    if (state.phase == "import" && state.indexes_total > 0) {
      if (!indexing) progress.Begin("building indexes", Progress::Unit::kItems, state.indexes_total);
      indexing = importing = true;
      progress.Update(state.indexes_done);
    } else if (state.phase == "import" && state.import_total > 0) {
      if (!importing) progress.Begin("importing the seed", Progress::Unit::kBytes, state.import_total);
      importing = true;
      progress.Update(state.import_done);
    }
    if (importing) {
      const std::string text = pace.Look(state, std::chrono::steady_clock::now());
      if (text != std::exchange(still, text)) progress.Detail(text);
    }
    if (state.database_ready && (state.phase == "application" || state.phase == "database only")) break;
    RequireAlive();
    std::unique_lock lock(mutex_);
    fed_.wait_for(lock, kReread, [&] { return pieces_ != pieces; });
  }
  if (importing) progress.End();
  for (const std::string& warning : State().warnings) progress.Warn(warning);
  return State().phase == "application";
}

// Waiting for the end of the log is not enough: Podman may keep following a container that has ended.
bool StartupWatch::HasEnded() {
  if (log_ended_) return true;
  auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return false;
  next_look_ = now + kPollLog;
  return runtime_.State() != RunState::kRunning;
}

void StartupWatch::RequireAlive() {
  if (State().error.empty() && !HasEnded()) return;
  std::this_thread::sleep_for(kLastLines);
  std::lock_guard lock(mutex_);
  const StartupState& state = log_.state();
  std::string hint = state.hint.empty() ? fmt::format("the whole log is in {}", log_file_.native()) : state.hint;
  if (state.error.empty()) {
    std::string last = os::LastLine(log_.other_lines());
    throw Error(ErrorCode::kCannotStart,
                fmt::format("the application ended while it was starting{}{}", last.empty() ? "" : ": ", last), hint);
  }
  // Why the application ended, only its own output says.
  bool its_own = state.error.starts_with("the application ended") && !state.last_words.empty();
  throw Error(ErrorCode::kCannotStart, its_own ? state.error + ": " + state.last_words : state.error, hint);
}

std::vector<std::string> StartupWatch::LastLines() const {
  constexpr size_t kMost = 10;
  std::lock_guard lock(mutex_);
  std::istringstream text(log_.other_lines());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  if (lines.size() > kMost) lines.erase(lines.begin(), lines.end() - kMost);
  return lines;
}

}  // namespace rotv::launch
