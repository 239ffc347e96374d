// `./dev demo`, what a newcomer sees first, from the step where everything is built.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/files/subprocess.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Labels: slow
TEST(ValleyDemoTest, ShowsTheMainJobToItsEnd) {
  const std::string demo = std::string(ROTV_SOURCE_DIR) + "/examples/demo/demo.sh";
  const Result result =
      RunCommand({.argv = {demo}, .env = {{"ROTV_SYNC", ROTV_SYNC_BINARY}, {"ROTV_DEMO_PAGE_VIEWS", "20000"}}});
  EXPECT_EQ(result.exit_status, 0) << result.out << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("Only in production (20)"), HasSubstr("no slot, no publication")));
}

}  // namespace
}  // namespace rotv::testing
