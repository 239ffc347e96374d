#include "cli/launch/startup_log.h"

#include <fmt/format.h>

#include <charconv>

#include "os/run_program.h"

namespace rotv::launch {
namespace {

constexpr size_t kOtherLinesMaxBytes = 4096;
constexpr std::chrono::seconds kStill{60};
constexpr size_t kLineMaxBytes = 64 * 1024;  // A statement in the server's log may be long.

// Removes `prefix` from the front of `line`; returns false if it is not there.
bool Take(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

uint64_t NumberFrom(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "DONE of TOTAL"
void TakeProgress(std::string_view line, uint64_t* done, uint64_t* total) {
  *done = NumberFrom(line);
  if (size_t of = line.find(" of "); of != std::string_view::npos) *total = NumberFrom(line.substr(of + 4));
}

}  // namespace

void StartupLog::Feed(std::string_view piece) {
  rest_ += piece;
  size_t start = 0;
  for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    Line(std::string_view(rest_).substr(start, end - start));
  }
  rest_.erase(0, start);
  if (rest_.size() > kLineMaxBytes) rest_.resize(kLineMaxBytes);
}

void StartupLog::Warm(std::string_view line) {
  if (Take(line, "sends ")) {
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) state_.sends[std::string(line.substr(0, space))] = line.substr(space + 1);
  } else if (Take(line, "unusable ")) {
    state_.unusable = line;
  } else if (Take(line, "clone ")) {
    state_.clone = line;
  } else if (Take(line, "carried ")) {
    std::from_chars(line.data(), line.data() + line.size(), state_.carry_seconds);
  }
}

void StartupLog::Line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!Take(line, "rotv: ")) {
    other_lines_ += application_.Feed(std::string(line) + "\n");
    if (other_lines_.size() > kOtherLinesMaxBytes) other_lines_.erase(0, other_lines_.size() - kOtherLinesMaxBytes);
    return;
  }
  if (Take(line, "phase: ")) {
    state_.phase = line;
  } else if (line == "database ready") {
    state_.database_ready = true;
  } else if (Take(line, "warm: ")) {
    // Once the database is ready the application writes the log too, and could imitate such a line.
    if (!state_.database_ready) Warm(line);
  } else if (Take(line, "import: ")) {
    TakeProgress(line, &state_.import_done, &state_.import_total);
  } else if (Take(line, "indexes: ")) {
    TakeProgress(line, &state_.indexes_done, &state_.indexes_total);
  } else if (Take(line, "warning: ")) {
    if (!state_.database_ready) state_.warnings.emplace_back(line);
  } else if (line.starts_with("the application ended with status ") || Take(line, "error: ")) {
    // On a persistent cluster the application may be started again, which a start does not wait for.
    if (!state_.error.empty()) return;  // The first error is the cause.
    state_.error = line;
    state_.last_words = os::LastLine(other_lines_);
  } else if (Take(line, "hint: ")) {
    if (state_.hint.empty()) state_.hint = line;
  }
}

std::string ImportPace::Look(const StartupState& state, TimePoint now) {
  const uint64_t done = state.import_done + state.indexes_done;
  if (!moved_ || done != seen_) {
    seen_ = done;
    moved_ = now;
  }
  const auto still = std::chrono::duration_cast<std::chrono::minutes>(now - *moved_);
  if (still < kStill) return "";
  return fmt::format("no progress for {} min: a long statement, or a wait; rotv logs has what the server says",
                     still.count());
}

}  // namespace rotv::launch
