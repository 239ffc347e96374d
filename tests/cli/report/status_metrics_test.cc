// The status as metrics, read as strictly as Prometheus reads them and as its `promtool check metrics` judges them.

#include "cli/report/status_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace rotv {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
const report::StatusView kMetricsView{.source_name = "production", .now_us = 1'700'000'100 * kSecondUs};

// The samples, "name{source}" to value. Fails the test unless each family comes once, with its help, its type and then
// its samples, whose values are numbers and whose names have a unit that Prometheus knows.
std::map<std::string, double> Parsed(const std::string& text) {
  static const std::regex kHelp("# HELP ([a-z_]+) [A-Z][^\\\\]*\\.");
  static const std::regex kType("# TYPE ([a-z_]+) gauge");
  static const std::regex kSample("([a-z_]+)\\{source=\"([A-Za-z0-9._-]+)\"\\} (-?[0-9][0-9.e+-]*)");
  std::map<std::string, double> samples;
  std::set<std::string> families;
  std::string family;
  bool typed = false;
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_match(line, found, kHelp)) {
      family = found[1];
      typed = false;
      EXPECT_TRUE(families.insert(family).second) << line;
      EXPECT_TRUE(family.starts_with("rotv_sync_")) << line;
      EXPECT_FALSE(std::regex_search(family, std::regex("_(total|count|sum|ms|kb|mb|info)$"))) << line;
    } else if (std::regex_match(line, found, kType)) {
      EXPECT_EQ(found[1], family) << line;
      typed = true;
    } else if (std::regex_match(line, found, kSample)) {
      EXPECT_TRUE(typed && found[1] == family) << line;
      EXPECT_TRUE(samples.emplace(found[1].str() + "{" + found[2].str() + "}", std::stod(found[3])).second) << line;
    } else {
      ADD_FAILURE() << "not a line of the format: " << line;
    }
  }
  return samples;
}

StatusReport MeasuredStatus() {
  StatusReport report;
  report.has_baseline = true;
  report.baseline_time_us = 1'600'000'000 * kSecondUs;
  report.head_time_us = 1'700'000'000 * kSecondUs + 500'000;
  report.store_bytes = 9'007'199'254'740'991;
  report.tables.resize(3);
  report.slot = SlotStatus{.wal_status = "reserved", .wal_held_bytes = 16'000'000, .pending_bytes = 1200};
  return report;
}

TEST(StatusMetricsTest, EachFamilyHasTheSamplesOfAllSources) {
  report::StatusMetrics metrics;
  metrics.Add(MeasuredStatus(), kMetricsView, AskSource::kYes);
  report::StatusView other = kMetricsView;
  other.source_name = "staging-2";
  other.last_scheduled = schedule::ScheduledRun{.ended_us = 1'700'000'000 * kSecondUs, .exit_code = 4};
  metrics.Add(StatusReport{}, other, AskSource::kNo);
  metrics.AddUnreadable("broken");
  const std::map<std::string, double> samples = Parsed(metrics.Text());
  const std::map<std::string, double> expected = {
      {"rotv_sync_status_ok{production}", 1},
      {"rotv_sync_status_timestamp_seconds{production}", 1'700'000'100},
      {"rotv_sync_source_reachable{production}", 1},
      {"rotv_sync_source_standby{production}", 0},
      {"rotv_sync_leftovers{production}", 0},
      {"rotv_sync_baseline_taken{production}", 1},
      {"rotv_sync_baseline_unfinished{production}", 0},
      {"rotv_sync_detached{production}", 0},
      {"rotv_sync_baseline_timestamp_seconds{production}", 1'600'000'000},
      {"rotv_sync_head_timestamp_seconds{production}", 1'700'000'000.5},
      {"rotv_sync_head_age_seconds{production}", 99.5},
      {"rotv_sync_store_bytes{production}", 9'007'199'254'740'991},
      {"rotv_sync_tables{production}", 3},
      {"rotv_sync_slot_usable{production}", 1},
      {"rotv_sync_slot_wal_held_bytes{production}", 16'000'000},
      {"rotv_sync_slot_pending_bytes{production}", 1200},
      {"rotv_sync_status_ok{staging-2}", 1},
      {"rotv_sync_status_timestamp_seconds{staging-2}", 1'700'000'100},
      {"rotv_sync_baseline_taken{staging-2}", 0},
      {"rotv_sync_baseline_unfinished{staging-2}", 0},
      {"rotv_sync_detached{staging-2}", 0},
      {"rotv_sync_scheduled_run_end_timestamp_seconds{staging-2}", 1'700'000'000},
      {"rotv_sync_scheduled_run_exit_code{staging-2}", 4},
      {"rotv_sync_status_ok{broken}", 0}};
  EXPECT_EQ(samples, expected);
}

TEST(StatusMetricsTest, ASlotThatIsOfNoUseIsSaid) {
  for (const char* lost : {"lost", "missing"}) {
    StatusReport report = MeasuredStatus();
    report.slot->wal_status = lost;
    report::StatusMetrics metrics;
    metrics.Add(report, kMetricsView, AskSource::kYes);
    const auto samples = Parsed(metrics.Text());
    EXPECT_EQ(samples.at("rotv_sync_slot_usable{production}"), 0);
    EXPECT_EQ(samples.count("rotv_sync_slot_wal_held_bytes{production}"), 0U);
  }
  StatusReport moved = MeasuredStatus();
  moved.slot->new_baseline = "the source is another one";
  moved.unreachable = "no answer";
  report::StatusMetrics metrics;
  metrics.Add(moved, kMetricsView, AskSource::kYes);
  EXPECT_EQ(Parsed(metrics.Text()).at("rotv_sync_slot_usable{production}"), 0);
  EXPECT_EQ(Parsed(metrics.Text()).at("rotv_sync_source_reachable{production}"), 0);
}

}  // namespace
}  // namespace rotv
