// Tests the reports of doctor and status, without a source.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/report/doctor_report.h"
#include "cli/report/status_report.h"

namespace rotv {
namespace {

using Outcome = capture::Check::Outcome;
constexpr output::TextStyle kUtf8{.utf8 = true, .colour = false};
constexpr int64_t kDayUs = int64_t{86400} * 1'000'000;

#define EXPECT_HAS(text, part) EXPECT_THAT(text, ::testing::HasSubstr(part))
#define EXPECT_LACKS(text, part) EXPECT_THAT((text), ::testing::Not(::testing::HasSubstr(part))) << (text)

capture::Check Fine(const std::string& name, const std::string& message) {
  capture::Check check;
  check.name = name;
  check.message = message;
  return check;
}

capture::TableReport Table(const std::string& name, const std::string& follow) {
  capture::TableReport table;
  table.name = name;
  table.follow = follow;
  return table;
}

DoctorReport SomeReport() {
  DoctorReport report;
  report.source = "root@db.example.org";
  report.server = "PostgreSQL 15.20, database rotv";
  capture::Check wal_level = Fine("wal_level", "is replica");
  wal_level.outcome = Outcome::kProblem;
  wal_level.fix = "ALTER SYSTEM SET wal_level = 'logical'";
  wal_level.code = ErrorCode::kRefused;
  report.checks = {Fine("ssh", "logged in"), wal_level};

  capture::TableReport notes = Table("public.notes", "streamed by primary key");
  notes.rows_estimate = 1200;
  notes.bytes = 5000;
  capture::TableReport sizes = Table("public.größen", "not followed");
  sizes.reason = "unlogged";
  sizes.rows_estimate = -1;
  sizes.outcome = Outcome::kWarning;
  sizes.fix = "ALTER TABLE public.größen SET LOGGED";
  report.tables = {notes, sizes};
  return report;
}

TEST(DoctorReportTest, ChecksAreAlignedAndProblemsComeWithTheirStatement) {
  std::string text = report::DoctorText(SomeReport(), report::Detail::kProblemsFirst, kUtf8);
  EXPECT_HAS(text,
             "  ✓ ssh        logged in\n  ✗ wal_level  is replica\n      ALTER SYSTEM SET wal_level = 'logical'\n");
  EXPECT_HAS(text, "1 problem, 1 warning: baseline would fail at wal_level (exit code 3).");
}

TEST(DoctorReportTest, TablesAreAlignedByColumnsAndThoseWithRemarksComeFirst) {
  std::string text = report::DoctorText(SomeReport(), report::Detail::kProblemsFirst, kUtf8);
  EXPECT_HAS(text,
             "  ! public.größen  not followed                     ? rows, 0 B  unlogged\n"
             "      ALTER TABLE public.größen SET LOGGED\n"
             "  ✓ public.notes   streamed by primary key  1,200 rows, 5.00 kB\n");
  EXPECT_HAS(text, "2 tables: 1 not followed, 1 streamed by primary key\n");
}

TEST(DoctorReportTest, WithoutUtf8TheSymbolsAreAscii) {
  std::string text = report::DoctorText(SomeReport(), report::Detail::kProblemsFirst, {});
  EXPECT_HAS(text, "  + ssh        logged in\n  x wal_level");
}

TEST(DoctorReportTest, ManyTablesAreSummarizedUnlessAllAreRequested) {
  DoctorReport report = SomeReport();
  for (int i = 0; i < 60; ++i) report.tables.push_back(Table("public.t" + std::to_string(i), "schema only"));
  std::string text = report::DoctorText(report, report::Detail::kProblemsFirst, kUtf8);
  EXPECT_HAS(text, "public.größen");
  EXPECT_LACKS(text, "public.t59");
  EXPECT_HAS(text, "61 tables without remarks: -v lists them");
  EXPECT_HAS(report::DoctorText(report, report::Detail::kEverything, kUtf8), "public.t59");
}

TEST(DoctorReportTest, ATableWithAProblemIsListedOnce) {
  DoctorReport report;
  capture::TableReport table = Table("public.notes", "not followed");
  table.reason = "no identity";
  table.outcome = Outcome::kProblem;
  table.fix = "ALTER TABLE public.notes REPLICA IDENTITY FULL";
  report.tables = {table};
  capture::Check check = Fine("public.notes", "no identity");
  check.outcome = Outcome::kProblem;
  check.fix = table.fix;
  report.checks = {Fine("ssh", "logged in"), check};
  std::string text = report::DoctorText(report, report::Detail::kProblemsFirst, kUtf8);
  EXPECT_EQ(text.find(table.fix), text.rfind(table.fix)) << text;
  EXPECT_HAS(text, table.fix);
  EXPECT_HAS(text, "1 problem, 0 warnings: baseline would fail at public.notes (exit code 3).");
}

TEST(DoctorReportTest, ASourceWithoutProblemsIsReady) {
  DoctorReport report;
  report.checks = {Fine("ssh", "logged in")};
  EXPECT_HAS(report::DoctorText(report, report::Detail::kProblemsFirst, kUtf8), "✓ Ready for a baseline.\n");
  EXPECT_EQ(report::DoctorJson(report)["ready"], true);
  EXPECT_EQ(report::DoctorJson(report)["code"], 0);
}

TEST(DoctorReportTest, JsonHasEveryCheckAndTable) {
  output::Json document = report::DoctorJson(SomeReport());
  EXPECT_EQ(document["ready"], false);
  EXPECT_EQ(document["code"], 3);
  EXPECT_EQ(document["checks"][0]["outcome"], "ok");
  EXPECT_EQ(document["checks"][1]["fix"], "ALTER SYSTEM SET wal_level = 'logical'");
  EXPECT_EQ(document["tables"][1]["name"], "public.größen");
  EXPECT_EQ(document["tables"][1]["rows_estimate"], -1);
}

StatusReport SomeStatus(int64_t age_us) {
  StatusReport report;
  report.has_baseline = true;
  report.source = "root@db.example.org";
  report.baseline_lsn = Lsn(0x1000);
  report.head_lsn = Lsn(0x1600000002);
  report.baseline_time_us = 0;
  report.head_time_us = 10 * kDayUs - age_us;
  report.store_bytes = 140'000'000;
  report.slot = SlotStatus{.slot = "rotv_a",
                           .publication = "rotv_a",
                           .wal_status = "reserved",
                           .wal_held_bytes = 16'000'000,
                           .pending_bytes = 1200,
                           .catalog_xmin_age = 12345,
                           .removal = "SELECT pg_drop_replication_slot('rotv_a');\nDROP PUBLICATION rotv_a;"};
  return report;
}

const report::StatusView kView{.source_name = "production", .now_us = 10 * kDayUs};

TEST(StatusReportTest, AgesSizesAndTheRemovalAreShown) {
  std::string text = report::StatusText(SomeStatus(180'000'000), kView, kUtf8);
  EXPECT_HAS(text, "head       3 minutes ago, 1970-01-10 23:57:00 UTC (16/2)\n");
  EXPECT_HAS(text, "baseline   10 days ago, 1970-01-01 00:00:00 UTC (0/1000)\n");
  EXPECT_HAS(text, "store      140 MB\n");
  EXPECT_HAS(text, "held back  16.0 MB of WAL on the source; catalog_xmin is 12,345 transactions old\n");
  EXPECT_HAS(text, "  SELECT pg_drop_replication_slot('rotv_a');\n  DROP PUBLICATION rotv_a;\n");
}

TEST(StatusReportTest, AHeadOlderThanSevenDaysIsOld) {
  EXPECT_FALSE(report::HeadIsOld(SomeStatus(7 * kDayUs), kView));
  EXPECT_TRUE(report::HeadIsOld(SomeStatus(7 * kDayUs + 1), kView));
  EXPECT_FALSE(report::HeadIsOld(StatusReport{}, kView));
}

TEST(StatusReportTest, ALostSlotIsReportedWithItsReasonAndAHint) {
  StatusReport report = SomeStatus(0);
  report.slot->wal_status = "lost";
  report.slot->new_baseline = "the slot was invalidated";
  const std::string text = report::StatusText(report, kView, kUtf8);
  EXPECT_HAS(text, "the slot was invalidated: a pull needs a new baseline: rotv-sync pull --rebaseline");
  EXPECT_LACKS(text, "pending");
  EXPECT_LACKS(text, "held back");
  EXPECT_EQ(report::StatusJson(report, kView)["slot"]["new_baseline"], "the slot was invalidated");
}

// The slot is there, and a pull would be refused all the same.
TEST(StatusReportTest, AMovedSourceIsReported) {
  StatusReport report = SomeStatus(0);
  report.slot->new_baseline = "the source is on timeline 2";
  const std::string text = report::StatusText(report, kView, kUtf8);
  EXPECT_HAS(text, "the source is on timeline 2: a pull needs a new baseline");
  EXPECT_HAS(text, "held back");
}

TEST(StatusReportTest, OnAStandbyNoPullIsRecommended) {
  StatusReport report = SomeStatus(0);
  report.standby = true;
  std::string text = report::StatusText(report, kView, kUtf8);
  EXPECT_HAS(text, "is a standby");
  EXPECT_HAS(text, "name the primary in rotv.toml");
  EXPECT_HAS(text, "held back");
  EXPECT_LACKS(text, "pending");
  report.slot.reset();
  EXPECT_LACKS(report::StatusText(report, kView, kUtf8), "held back");
}

TEST(StatusReportTest, WithoutABaselineTheCommandThatTakesOneIsShown) {
  std::string text = report::StatusText(StatusReport{}, kView, kUtf8);
  EXPECT_HAS(text, "none yet: rotv-sync baseline");
  EXPECT_LACKS(text, "1970");
  output::Json document = report::StatusJson(StatusReport{}, kView);
  EXPECT_EQ(document["has_baseline"], false);
  EXPECT_TRUE(document["head"].is_null());
  EXPECT_TRUE(document["slot"].is_null());
}

TEST(StatusReportTest, AnUnfinishedBaselineIsReportedWithTheWaysOn) {
  StatusReport report;
  report.unfinished = UnfinishedStatus{.begun = "22:14",
                                       .begun_us = 9 * kDayUs,
                                       .tables = 60,
                                       .tables_complete = 41,
                                       .store_bytes = 140'000'000,
                                       .ways_on = "rotv-sync pull goes on with it",
                                       .slot = SomeStatus(0).slot};
  const std::string text = report::StatusText(report, kView, kUtf8);
  EXPECT_HAS(text, "baseline   none yet\n");
  EXPECT_HAS(text, "unfinished a baseline begun 22:14: 41 of 60 tables are here (140 MB)\n");
  EXPECT_HAS(text, "its slot rotv_a holds back 16.0 MB of WAL on the source\n");
  EXPECT_HAS(text, "rotv-sync pull goes on with it\n");
  output::Json document = report::StatusJson(report, kView);
  EXPECT_EQ(document["unfinished"]["tables_complete"], 41);
  EXPECT_EQ(document["unfinished"]["begun"], "1970-01-10T00:00:00.000000Z");
  EXPECT_EQ(document["unfinished"]["slot"]["wal_held_bytes"], 16'000'000);
  EXPECT_TRUE(report::StatusJson(SomeStatus(0), kView)["unfinished"].is_null());
}

TEST(StatusReportTest, JsonHasLsnsAsTextAndTimesInUtc) {
  output::Json document = report::StatusJson(SomeStatus(180'000'000), kView);
  EXPECT_EQ(document["source"], "production");
  EXPECT_EQ(document["head"]["lsn"], "16/2");
  EXPECT_EQ(document["head"]["time"], "1970-01-10T23:57:00.000000Z");
  EXPECT_EQ(document["head"]["age_seconds"], 180.0);
  EXPECT_EQ(document["slot"]["wal_held_bytes"], 16'000'000);
}

TEST(StatusReportTest, AnUnreachableSourceIsReported) {
  StatusReport report = SomeStatus(0);
  report.slot.reset();
  report.unreachable = "connection refused";
  EXPECT_HAS(report::StatusText(report, kView, kUtf8), "cannot be queried: connection refused");
}

}  // namespace
}  // namespace rotv
