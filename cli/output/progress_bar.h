// Shows the progress of work: a bar on a terminal, a line every few seconds elsewhere. Debian has no library for
// progress bars in C++, so this one is ours.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "cli/output/log_line.h"
#include "cli/output/terminal.h"
#include "sync/context/progress.h"

namespace rotv::output {

enum class Verbosity { kQuiet, kNormal, kVerbose };

// Work that takes less than a second is not shown. After that, a terminal shows a bar, redrawn at most 10 times a
// second and cut to the terminal's width; elsewhere a line is written every 5 seconds. kQuiet shows only warnings.
//
// All methods may be called from any thread. Update() costs an atomic store and a look at the clock unless it draws,
// and never waits for another thread that draws.
class ProgressBar : public Progress {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    std::string program = "rotv-sync";  // The prefix of lines.
    Verbosity verbosity = Verbosity::kNormal;
    bool terminal = false;  // Lines can be redrawn.
    TextStyle style;
    std::function<int()> width = [] { return 80; };
    std::function<TimePoint()> now = std::chrono::steady_clock::now;
    LogFormat format = LogFormat::kText;  // kJson: every line is an object (LogLine()), and there is no bar.
    std::function<int64_t()> log_time = [] { return int64_t{0}; };  // Of such a line: Unix time, microseconds.
    std::function<void(std::string_view)> write;  // Writes to stderr; the text of one call belongs together.
  };

  explicit ProgressBar(Options options);
  ~ProgressBar() override;  // Erases a line that is still drawn.

  void Begin(std::string_view what, Unit unit, uint64_t total) override;
  void Update(uint64_t done) override;
  void Detail(std::string_view detail) override;
  void End() override;
  void Warn(std::string_view line) override;
  void Note(std::string_view line) override;
  void Say(std::string_view line) override;

 private:
  void DrawIfDue();
  void ScheduleAfter(TimePoint now, std::chrono::milliseconds wait);
  void MeasureRate(TimePoint now, uint64_t done);
  void PrintLine(std::string_view level, std::string_view mark, std::string_view line);
  std::string ProgressRecord(uint64_t done, bool ended) const;
  void Erase();
  void FinishWork();
  std::string BarLine(uint64_t done) const;
  std::string PlainLine(uint64_t done) const;
  std::string Amount(uint64_t done) const;
  std::string Rate(double per_second) const;
  std::string TimeLeft(uint64_t done) const;
  bool TotalIsKnown(uint64_t done) const { return total_ > 0 && done <= total_; }
  bool Counts(uint64_t done) const { return total_ > 0 || done > 0; }
  std::string Passed() const;

  const Options options_;
  std::atomic<uint64_t> done_{0};
  std::atomic<TimePoint::rep> next_draw_;  // kNever while there is no work.

  std::mutex mutex_;  // Guards what follows.
  bool working_ = false;
  bool shown_ = false;  // Something of this work was shown.
  bool drawn_ = false;  // The terminal's line shows a bar.
  std::string what_;
  std::string detail_;
  Unit unit_ = Unit::kItems;
  uint64_t total_ = 0;
  TimePoint start_;
  TimePoint measured_at_;
  uint64_t measured_done_ = 0;
  double rate_per_s_ = 0;
};

}  // namespace rotv::output
