// Tests the random workload itself, on a server that is not followed.

#include "tests/support/random/random_workload.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

std::vector<std::string> Statements(uint64_t seed, int steps) {
  const PostgresServer server({.settings = {{"autovacuum", "off"}}});  // It would take locks at times of its own.
  RandomWorkload workload(seed, server);
  workload.Setup();
  for (int i = 0; i < steps; ++i) workload.Step();
  EXPECT_LT(workload.RefusedShare(), 0.2) << "seed " << seed;
  EXPECT_NE(server.Dump(), "");
  if (std::getenv("ROTV_RANDOM_REASONS") != nullptr) {
    for (const auto& [reason, times] : workload.reasons()) fmt::print("{:5} {}\n", times, reason);
    fmt::print("refused {:.3f} of {}\n", workload.RefusedShare(), workload.statements().size());
  }
  return workload.statements();
}

TEST(RandomWorkloadTest, OneSeedGivesTheSameStatementsAgain) {
  const char* given = std::getenv("ROTV_RANDOM_SEED");
  const uint64_t seed = given == nullptr ? 7 : std::strtoull(given, nullptr, 10);
  const std::vector<std::string> first = Statements(seed, 60);
  const std::vector<std::string> second = Statements(seed, 60);
  for (size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    ASSERT_EQ(first[i], second[i]) << "statement " << i;
  }
  EXPECT_EQ(first.size(), second.size());
}

}  // namespace
}  // namespace rotv::testing
