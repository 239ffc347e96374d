// Tests the report of verify, without a source.

#include "cli/report/verify_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rotv {
namespace {

VerifyResult Equal() {
  VerifyResult result;
  result.lsn = Lsn(0x1A0);
  result.rows = 1234567;
  result.seconds = 2;
  result.tables = {{.table = "public.a", .lsn = Lsn(0x1A0), .rows = 1234567}, {.table = "public.b", .lsn = Lsn(0x1A0)}};
  return result;
}

VerifyResult Different() {
  VerifyResult result = Equal();
  TableVerdict& table = result.tables.front();
  table.equal = false;
  table.difference.missing = 11;
  table.difference.different = 1;
  table.difference.differing_ranges = 3;
  table.difference.ranges = {{.from = std::nullopt, .to = "20"}, {.from = "30", .to = "40"}};
  table.difference.keys = {{compare::KeyDifference::Kind::kDifferent, {{"id", "7"}, {"day", "x\ny"}}},
                           {compare::KeyDifference::Kind::kMissing, {{"id", "35"}, {"day", ""}}}};
  return result;
}

TEST(VerifyReportTest, AnEqualStoreIsOneLine) {
  EXPECT_EQ(report::VerifyText(Equal(), "production"),
            "The store is equal to production: 1,234,567 rows in 2 tables compared at 0/1A0 in 2.0 s.\n");
}

TEST(VerifyReportTest, DifferencesAreShownWithRangesKeysAndAHint) {
  EXPECT_EQ(report::VerifyText(Different(), "production"),
            "public.a: 11 rows missing, 0 not on the source, 1 different\n"
            "  in keys below 20\n"
            "  in keys from 30 to below 40\n"
            "  and in 1 more range\n"
            "  id = 7, day = x y: different\n"
            "  id = 35, day = : not in the store\n"
            "  and 10 more rows\n"
            "1 table is not equal to production: 1,234,567 rows in 2 tables compared at 0/1A0 in 2.0 s.\n"
            "hint: rotv-sync verify --repair\n");
}

TEST(VerifyReportTest, RepairsAreReported) {
  VerifyResult result = Different();
  result.tables.front().equal = true;
  result.tables.front().repaired = true;
  std::string text = report::VerifyText(result, "production");
  EXPECT_THAT(text, ::testing::HasSubstr("public.a (repaired): 11 rows missing"));
  EXPECT_THAT(text, ::testing::HasSubstr("Repaired: 1 table.\nThe store is equal to production"));
  EXPECT_EQ(report::VerifyJson(result)["equal"], true);
}

TEST(VerifyReportTest, AnIncompleteCountIsMarked) {
  VerifyResult result = Different();
  result.tables.front().difference.complete = false;
  std::string text = report::VerifyText(result, "production");
  EXPECT_THAT(text, ::testing::HasSubstr("at least 11 rows missing"));
}

TEST(VerifyReportTest, JsonHasTheSameFindings) {
  output::Json document = report::VerifyJson(Different());
  EXPECT_EQ(document["equal"], false);
  EXPECT_EQ(document["differing"], 1);
  EXPECT_EQ(document["hint"], "rotv-sync verify --repair");
  output::Json difference = document["tables"][0]["difference"];
  EXPECT_EQ(difference["ranges"][0]["from"], output::Json());
  EXPECT_EQ(difference["ranges"][1]["to"], "40");
  EXPECT_EQ(difference["keys"][1]["kind"], "missing");
  EXPECT_EQ(difference["keys"][0]["key"]["id"], "7");
  EXPECT_EQ(document["tables"][1]["difference"], output::Json());
}

}  // namespace
}  // namespace rotv
