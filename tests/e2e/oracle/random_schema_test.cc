// Random databases with random changes of rows and schema; each pull is compared with a dump. A failure shows the
// number that makes the same database again, and the statements since the last correct pull.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/random/random_workload.h"

namespace rotv::testing {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kImportEvery = 6;
constexpr double kMostRefused = 0.2;
constexpr size_t kLastShown = 60;

// True if psql builds from a dump a database whose dump is the same. Some databases are not rebuilt exactly, which is
// no fault of the seed: a default that the table of its key does not have, a cast that the server writes in other
// words.
bool DumpRebuildsItself(PostgresServer& source) {
  static constexpr const char* kCopy = "a copy by its dump";
  const std::string dump = source.Dump();
  const TempDir directory;
  WriteFile(directory / "dump.sql", dump);
  source.CreateDatabase(kCopy, "postgres");
  const bool same = source.Psql(directory / "dump.sql", {kCopy, "postgres"}).ok() &&
                    DumpsAreEqual({"copy", source.Dump(kCopy)}, {"source", dump});
  source.DropDatabase(kCopy);
  return same;
}

class RandomSchema {
 public:
  explicit RandomSchema(uint64_t seed) : seed_(seed), rotv_(FollowOptions()), workload_(seed, rotv_.server()) {}

  // Runs until `end` or for `steps` pulls, whichever is first.
  void Follow(Clock::time_point end, int steps) {
    workload_.Setup();
    Compare({"baseline"});
    for (int step = 1; step <= steps && Clock::now() < end && !::testing::Test::HasFailure(); ++step) {
      step_ = step;
      for (int i = 1 + step % 4; i > 0; --i) workload_.Step();
      Compare({"pull"});
    }
    const Command check = rotv_.SyncCommand({"check", "--read-data"});
    const Result sound = RunCommand(check);
    EXPECT_TRUE(sound.ok()) << Describe(check, sound) << WhatHappened();
    EXPECT_LT(workload_.RefusedShare(), kMostRefused) << "seed " << seed_ << ": too many statements are refused";
  }

 private:
  void Compare(const std::vector<std::string>& command) {
    const Command sync = rotv_.SyncCommand(command);
    const Result result = RunCommand(sync);
    if (!result.ok()) {
      ADD_FAILURE() << Describe(sync, result) << WhatHappened();
      return;
    }
    const std::filesystem::path seed = rotv_.Seed();
    OracleOptions oracle{.import = Import::kNone};
    if (step_ % kImportEvery == 0 && DumpRebuildsItself(rotv_.server())) oracle.import = Import::kEmpty;
    EXPECT_TRUE(SeedEqualsDump(rotv_.server(), seed, oracle)) << WhatHappened();
    compared_.push_back(workload_.statements().size());
  }

  std::string WhatHappened() const {
    const std::vector<std::string>& all = workload_.statements();
    if (const char* file = std::getenv("ROTV_RANDOM_STATEMENTS")) WriteFile(file, Script());
    const size_t first =
        std::max(compared_.empty() ? 0 : compared_.back(), all.size() - std::min(all.size(), kLastShown));
    return fmt::format("\nseed {0}, step {1}: run again with ROTV_RANDOM_SEED={0}\nthe last statements:\n{2}\n", seed_,
                       step_, fmt::join(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), "\n"));
  }

  // All statements, to reduce a failure by hand: each statement ends with a line of its own.
  std::string Script() const {
    std::string script;
    for (size_t i = 0; i < workload_.statements().size(); ++i) {
      if (std::find(compared_.begin(), compared_.end(), i) != compared_.end()) script += "-- pulled and compared\n";
      script += workload_.statements()[i] + "\n-- end of statement\n";
    }
    return script;
  }

  uint64_t seed_;
  RotvHome rotv_;
  RandomWorkload workload_;
  int step_ = 0;
  std::vector<size_t> compared_;  // The number of statements at each comparison.
};

std::optional<uint64_t> GivenSeed() {
  const char* given = std::getenv("ROTV_RANDOM_SEED");
  return given == nullptr ? std::nullopt : std::optional<uint64_t>(std::strtoull(given, nullptr, 10));
}

// Short enough to be typed.
uint64_t FreshSeed() {
  return static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1)) %
         1'000'000'000;
}

void Follow(uint64_t seed, Clock::time_point end, int steps) {
  SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
  RandomSchema(seed).Follow(end, steps);
}

constexpr int kSteps = 18;

// Labels: slow
TEST(RandomSchemaTest, KnownSeedsAreFollowed) {
  for (const uint64_t seed : {1, 2}) {
    Follow(seed, Clock::now() + seconds(60), kSteps);
    if (HasFailure()) return;
  }
}

// Labels: slow
TEST(RandomSchemaTest, AFreshRandomSeedIsFollowed) {
  Follow(GivenSeed().value_or(FreshSeed()), Clock::now() + seconds(60), kSteps);
}

TEST(RandomSchemaSoakTest, FreshRandomSeedsAreFollowedForALongTime) {
  const char* given = std::getenv("ROTV_SOAK_MINUTES");
  const Clock::time_point end = Clock::now() + minutes(given == nullptr ? 1 : std::atoi(given));
  for (uint64_t seed = GivenSeed().value_or(FreshSeed()); Clock::now() < end && !HasFailure(); ++seed) {
    Follow(seed, end, 4 * kSteps);
  }
}

}  // namespace
}  // namespace rotv::testing
