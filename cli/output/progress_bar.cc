#include "cli/output/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/output/format.h"

namespace rotv::output {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstShown{1000};
constexpr milliseconds kRedraw{100};
constexpr milliseconds kLineEvery{5000};
constexpr auto kNever = std::numeric_limits<ProgressBar::TimePoint::rep>::max();
constexpr const char* kEraseLine = "\r\x1b[K";

// Draws eighths of a cell, so that a short bar still moves.
std::string DrawBar(double fraction, size_t cells, const TextStyle& style) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto eighths = static_cast<size_t>(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(cells) * 8);
  size_t full = eighths / 8;
  std::string bar;
  for (size_t i = 0; i < full; ++i) bar += style.utf8 ? "█" : "#";
  if (style.utf8) bar += kEighths[eighths % 8];
  return "[" + PadRight(bar, cells) + "]";
}

double Seconds(ProgressBar::TimePoint from, ProgressBar::TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

ProgressBar::ProgressBar(Options options) : options_(std::move(options)), next_draw_(kNever) {}

ProgressBar::~ProgressBar() {
  std::lock_guard lock(mutex_);
  Erase();
}

void ProgressBar::Begin(std::string_view what, Unit unit, uint64_t total) {
  std::lock_guard lock(mutex_);
  FinishWork();
  what_ = OneLine(what);
  detail_.clear();
  unit_ = unit;
  total_ = total;
  rate_per_s_ = 0;
  measured_done_ = 0;
  done_.store(0, std::memory_order_relaxed);
  start_ = measured_at_ = options_.now();
  working_ = true;
  if (options_.verbosity != Verbosity::kQuiet) ScheduleAfter(start_, options_.terminal ? kFirstShown : kLineEvery);
}

void ProgressBar::Update(uint64_t done) {
  done_.store(done, std::memory_order_relaxed);
  if (options_.now().time_since_epoch().count() < next_draw_.load(std::memory_order_relaxed)) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) DrawIfDue();
}

void ProgressBar::Detail(std::string_view detail) {
  std::lock_guard lock(mutex_);
  detail_ = OneLine(detail);
  DrawIfDue();
}

void ProgressBar::End() {
  std::lock_guard lock(mutex_);
  FinishWork();
}

void ProgressBar::Warn(std::string_view line) { PrintLine("warning", "warning: ", line); }

void ProgressBar::Note(std::string_view line) {
  if (options_.verbosity == Verbosity::kVerbose) PrintLine("info", "", line);
}

void ProgressBar::Say(std::string_view line) {
  if (options_.verbosity != Verbosity::kQuiet) PrintLine("info", "", line);
}

void ProgressBar::PrintLine(std::string_view level, std::string_view mark, std::string_view line) {
  std::lock_guard lock(mutex_);
  if (options_.format == LogFormat::kJson) {
    options_.write(LogLine(options_.log_time(), level, options_.program, line, nlohmann::ordered_json::object()));
    return;
  }
  std::string text = drawn_ ? kEraseLine : "";
  drawn_ = false;  // The bar is drawn again when it is due.
  options_.write(text + fmt::format("{}: {}{}\n", options_.program, mark, OneLine(line)));
}

void ProgressBar::DrawIfDue() {
  TimePoint now = options_.now();
  if (!working_ || now.time_since_epoch().count() < next_draw_.load(std::memory_order_relaxed)) return;
  uint64_t done = done_.load(std::memory_order_relaxed);
  MeasureRate(now, done);
  if (options_.format == LogFormat::kJson) {
    options_.write(ProgressRecord(done, false));
  } else if (options_.terminal) {
    options_.write(kEraseLine + BarLine(done));
    drawn_ = true;
  } else {
    options_.write(PlainLine(done) + "\n");
  }
  shown_ = true;
  ScheduleAfter(now, options_.terminal ? kRedraw : kLineEvery);
}

void ProgressBar::ScheduleAfter(TimePoint now, milliseconds wait) {
  next_draw_.store((now + wait).time_since_epoch().count(), std::memory_order_relaxed);
}

// The rate is an exponential moving average: when a link becomes slow the time left follows within seconds, but does
// not jump.
void ProgressBar::MeasureRate(TimePoint now, uint64_t done) {
  constexpr double kMemorySeconds = 5;
  double elapsed_s = Seconds(measured_at_, now);
  if (elapsed_s <= 0) return;
  double rate_per_s = static_cast<double>(done - std::min(measured_done_, done)) / elapsed_s;
  double weight = measured_at_ == start_ ? 1 : 1 - std::exp(-elapsed_s / kMemorySeconds);
  rate_per_s_ += weight * (rate_per_s - rate_per_s_);
  measured_at_ = now;
  measured_done_ = done;
}

void ProgressBar::Erase() {
  if (drawn_) options_.write(kEraseLine);
  drawn_ = false;
}

// Work that was shown ends with a line that stays: what was done, and how long it took.
void ProgressBar::FinishWork() {
  if (!working_) return;
  working_ = false;
  next_draw_.store(kNever, std::memory_order_relaxed);
  Erase();
  if (!std::exchange(shown_, false)) return;
  uint64_t done = done_.load(std::memory_order_relaxed);
  if (options_.format == LogFormat::kJson) {
    options_.write(ProgressRecord(done, true));
    return;
  }
  if (!Counts(done)) {
    options_.write(fmt::format("{}: {}\n", what_, Passed()));
    return;
  }
  double elapsed_s = Seconds(start_, options_.now());
  options_.write(fmt::format("{}: {} in {} ({})\n", what_, Amount(done), HumanDuration(elapsed_s),
                             Rate(static_cast<double>(done) / std::max(elapsed_s, 1e-3))));
}

std::string ProgressBar::ProgressRecord(uint64_t done, bool ended) const {
  static constexpr const char* kUnits[] = {"bytes", "rows", "items"};
  nlohmann::ordered_json record{
      {"done", done},
      {"total", TotalIsKnown(done) ? nlohmann::ordered_json(total_) : nlohmann::ordered_json()},
      {"unit", kUnits[static_cast<int>(unit_)]},
      {"seconds", Seconds(start_, options_.now())},
      {"ended", ended}};
  if (!detail_.empty()) record["detail"] = detail_;
  return LogLine(options_.log_time(), "progress", options_.program, what_, record);
}

// Whoever waits, and has nothing to count, is told how long it has been.
std::string ProgressBar::Passed() const { return HumanDuration(Seconds(start_, options_.now())); }

std::string ProgressBar::Amount(uint64_t done) const {
  switch (unit_) {
    case Unit::kBytes:
      return HumanBytes(done);
    case Unit::kRows:
      return Counted(done, "row", "rows");
    case Unit::kItems:
      return HumanCount(done);
  }
  return "";
}

std::string ProgressBar::Rate(double per_second) const {
  // Slow rates need a decimal: one table in ten seconds.
  if (unit_ == Unit::kItems && per_second < 10) return fmt::format("{:.1f}/s", per_second);
  auto whole = static_cast<uint64_t>(per_second);
  return unit_ == Unit::kItems ? HumanCount(whole) + "/s" : Amount(whole) + "/s";
}

std::string ProgressBar::TimeLeft(uint64_t done) const {
  if (!TotalIsKnown(done) || rate_per_s_ <= 0) return "";
  double seconds = std::round(static_cast<double>(total_ - done) / rate_per_s_);
  // An estimate is not exact to tenths of a second.
  return (seconds < 10 ? fmt::format("{:.0f} s", std::max(1.0, seconds)) : HumanDuration(seconds)) + " left";
}

// On a narrow terminal the least useful parts are left out first: the detail is cut, then left out, the bar becomes
// short, then is left out, then the rate and the time left.
std::string ProgressBar::BarLine(uint64_t done) const {
  constexpr size_t kLongBar = 24;
  constexpr size_t kShortBar = 10;
  auto width = static_cast<size_t>(std::max(2, options_.width())) - 1;  // A full last column would wrap.
  double fraction = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 0;
  bool known = TotalIsKnown(done);
  std::string percent = known ? fmt::format("{:3.0f}%", std::floor(fraction * 100)) : "";
  auto bar = [&](size_t cells) { return known ? DrawBar(fraction, cells, options_.style) : ""; };
  const bool counts = Counts(done);
  std::string amount = known ? fmt::format("{} of {}", Amount(done), Amount(total_)) : counts ? Amount(done) : Passed();
  std::string rate = counts ? Rate(rate_per_s_) : "";
  std::string left = TimeLeft(done);

  auto join = [](const std::vector<std::string>& parts) {
    std::string line;
    for (const std::string& part : parts) {
      if (!part.empty()) line += (line.empty() ? "" : "  ") + part;
    }
    return line;
  };
  const std::vector<std::vector<std::string>> forms = {
      {what_, percent, bar(kLongBar), amount, rate, left},
      {what_, percent, bar(kShortBar), amount, rate, left},
      {what_, percent, amount, rate, left},
      {what_, percent, amount, left},
      {what_, percent, amount},
      {what_, known ? percent : amount},
  };
  for (const auto& form : forms) {
    std::string line = join(form);
    size_t taken = DisplayWidth(line);
    if (taken > width) continue;
    constexpr size_t kShortestDetail = 8;
    if (detail_.empty() || taken + 2 + std::min(kShortestDetail, DisplayWidth(detail_)) > width) return line;
    return line + "  " + CutToWidth(detail_, width - taken - 2, options_.style);
  }
  return CutToWidth(join(forms.back()), width, options_.style);
}

std::string ProgressBar::PlainLine(uint64_t done) const {
  std::string line = fmt::format("{}: {}", what_, Counts(done) ? Amount(done) : Passed());
  if (TotalIsKnown(done)) {
    double fraction = static_cast<double>(done) / static_cast<double>(total_);
    line += fmt::format(" of {} ({:.0f}%)", Amount(total_), std::floor(fraction * 100));
  }
  if (Counts(done)) line += ", " + Rate(rate_per_s_);
  if (std::string left = TimeLeft(done); !left.empty()) line += ", " + left;
  if (!detail_.empty()) line += fmt::format(" ({})", detail_);
  return line;
}

}  // namespace rotv::output
