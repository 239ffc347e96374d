#include "cli/launch/largest_tables.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/launch/container_runtime.h"
#include "storage/error.h"
#include "storage/interrupt.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

// Counts with a program in the place of podman, whose `exec` is this script.
class LargestTablesTest : public ::testing::Test {
 protected:
  launch::ContainerRuntime Runtime(const std::string& script) {
    testing::WriteFile(directory_ / "podman", "#!/bin/sh\n" + script + "\n", 0755);
    return {directory_ / "podman", directory_ / "home", "rotv", {}, interrupt_};
  }

  testing::TempDir directory_;
  Interrupt interrupt_;
};

TEST_F(LargestTablesTest, NamesAreReadFromTheirBytes) {
  const launch::ContainerRuntime runtime = Runtime("echo '6120620a 12'; echo '63 0'");
  launch::LargestTables largest(runtime, launch::CountRows::kExactly);
  const std::vector<launch::TableCount> tables = largest.Take(interrupt_);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].name, "a b\n");
  EXPECT_EQ(tables[0].rows, 12U);
  EXPECT_EQ(tables[1].name, "c");
}

TEST_F(LargestTablesTest, AFailureIsThrownWhenTheyAreTaken) {
  const launch::ContainerRuntime runtime = Runtime("echo 'no such container' >&2; exit 125");
  launch::LargestTables largest(runtime, launch::CountRows::kExactly);
  try {
    largest.Take(interrupt_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCannotStart);
    EXPECT_STREQ(error.what(), "the rows of the largest tables cannot be counted: no such container");
  }
}

TEST_F(LargestTablesTest, AnInterruptEndsTheWaitAndTheProgram) {
  const launch::ContainerRuntime runtime = Runtime("exec sleep 1000");
  launch::LargestTables largest(runtime, launch::CountRows::kExactly);
  interrupt_.Request();
  EXPECT_THROW(largest.Take(interrupt_), Error);
  // The destructor returns.
}

}  // namespace
}  // namespace rotv
