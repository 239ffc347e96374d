// Parses the log of a starting application: picks the entrypoint's lines out of everything that the server and the
// application write. Pure. The format is defined in entrypoint/messages.sh.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/launch/log_filter.h"

namespace rotv::launch {

struct StartupState {
  std::string phase;  // "cluster", "server", "import", "application"; empty before the first.
  uint64_t import_done = 0;
  uint64_t import_total = 0;
  uint64_t indexes_done = 0;  // Of the large tables, foreign keys among them; after all rows are imported.
  uint64_t indexes_total = 0;
  bool database_ready = false;
  // The clusters that are sent (WarmReceiver), and for which server; only before the database is ready, as are the
  // next three.
  std::map<std::string, std::string> sends;
  std::string unusable;               // Why the warm cluster cannot be used; empty: it can.
  std::string clone;                  // How its files were got: "copy", "reflink", "overlay"; empty: there is none.
  double carry_seconds = 0;           // What it took to carry it.
  std::vector<std::string> warnings;  // Only before the database is ready.
  std::string error;                  // Empty: none.
  std::string hint;
  std::string last_words;  // The application's last line before the error.
};

class StartupLog {
 public:
  // Takes the next piece of the log, cut anywhere.
  void Feed(std::string_view piece);
  const StartupState& state() const { return state_; }
  // The last lines that the application wrote before it ended.
  const std::string& other_lines() const { return other_lines_; }

 private:
  void Line(std::string_view line);
  void Warm(std::string_view line);

  LogFilter application_{LogPart::kApplication};
  std::string rest_;
  StartupState state_;
  std::string other_lines_;
};

// Notices an import that does not move.
class ImportPace {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Returns what the progress says of it: empty as long as it has moved within the last minute, else since when it has
  // not. That is no error: one index of a large table may take long.
  std::string Look(const StartupState& state, TimePoint now);

 private:
  uint64_t seen_ = 0;  // Bytes and indexes that were done at `moved_`.
  std::optional<TimePoint> moved_;
};

}  // namespace rotv::launch
