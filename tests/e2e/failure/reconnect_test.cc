// A link that breaks: a pull and log --follow connect again by themselves and go on, in every phase; what a new
// connection would not help ends them at once.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions LinkOptions(Way way, double megabits_per_second = 40) {
  return {.binary = ROTV_SYNC_BINARY,
          .way = way,
          .slow_link = SlowLinkOptions{.delay_each_way = milliseconds(1), .megabits_per_second = megabits_per_second}};
}

// Sessions of ours on the source.
[[maybe_unused]] int SessionsOnSource(RotvHome& rotv) {
  return std::stoi(rotv.server().Value(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %'", kSuperuser));
}

class ReconnectTest : public ::testing::TestWithParam<Way> {
 protected:
  ReconnectTest() : rotv(LinkOptions(GetParam())), workload(rotv.server()) {}

  RotvHome rotv;
  Workload workload;
};

INSTANTIATE_TEST_SUITE_P(Ways, ReconnectTest, ::testing::Values(Way::kDirect, Way::kSshSocket),
                         [](const auto& each) { return each.param == Way::kDirect ? "Url" : "Ssh"; });

TEST_P(ReconnectTest, APullGoesOnAfterBreaks) {
  rotv.MustSync({"baseline"});
  for (const uint64_t bytes : {20'000, 600'000, 2'500'000}) {
    SCOPED_TRACE(bytes);
    workload.Run(50);
    rotv.slow_link().BreakAfter(bytes);
    const Result result = rotv.Sync({"--json", "pull"});
    ASSERT_EQ(result.exit_status, 0) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("; reconnecting, 1 of 8\n"));
    EXPECT_EQ(rotv.slow_link().faults(), 1);
    rotv.slow_link().BreakAfter(0);
    const nlohmann::json pull = nlohmann::json::parse(result.out);
    EXPECT_EQ(pull.at("reconnects"), 1);
    // What both attempts received.
    EXPECT_EQ(pull.at("transactions"), 51);
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
}

}  // namespace
}  // namespace rotv::testing
