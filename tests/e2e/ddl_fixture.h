// The loop of schema change tests: a statement on the source, a pull, the oracle; then changes of the data and the same
// again, where the pull must find no other schema; after all of them a pull without changes.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

// Says if the pull after a statement may copy rows again that are stored already, for tables that exist.
enum class Copy { kNever, kAllowed };

struct DdlStep {
  std::string statement;
  Copy copy = Copy::kNever;
  std::string change = {};  // Changes of the data after the statement; empty: the test's usual ones.
};

class DdlTest : public FollowTest {
 protected:
  DdlTest() : FollowTest(FollowOptions()) {}
  explicit DdlTest(RotvHomeOptions options) : FollowTest(std::move(options)) {}

  // Returns the document of `pull --json`. Fails the test and returns nothing unless the pull ends with 0.
  std::optional<nlohmann::json> Pull() {
    const Command command = rotv.SyncCommand({"--json", "pull"});
    const Result result = RunCommand(command);
    if (!result.ok()) {
      ADD_FAILURE() << Describe(command, result);
      return std::nullopt;
    }
    return nlohmann::json::parse(result.out);
  }
  // Returns the tables that a pull has resynced, in order. The pull must succeed.
  std::vector<std::string> PullCopies() {
    std::vector<std::string> tables;
    if (const auto pull = Pull()) tables = pull->at("copied").get<std::vector<std::string>>();
    std::sort(tables.begin(), tables.end());
    return tables;
  }

  // Checks that a pull ends with 0 and that its seed equals the dump. With Copy::kNever, tables in `exceptions` may be
  // copied all the same.
  bool PullIsCorrect(Copy copy, bool* schema_changed = nullptr, const std::set<std::string>& exceptions = {}) {
    const auto pull = Pull();
    if (!pull) return false;
    if (schema_changed) *schema_changed = pull->value("schema_changed", false);
    if (copy == Copy::kNever) {
      for (const auto& table : pull->at("copied").get<std::vector<std::string>>()) {
        EXPECT_TRUE(exceptions.contains(table)) << table << " was copied again";
      }
    }
    const auto equal = SeedEqualsDump(rotv.server(), rotv.Seed(), {.import = import_});
    EXPECT_TRUE(equal);
    return static_cast<bool>(equal);
  }
  // Checks that a pull without changes does nothing.
  void NothingNewIsPulled() {
    const std::string before = ReadFile(rotv.Seed());
    const auto pull = Pull();
    if (!pull) return;
    EXPECT_EQ(pull->value("copied", nlohmann::json()), nlohmann::json::array());
    EXPECT_EQ(pull->value("schema_changed", nlohmann::json()), false);
    EXPECT_TRUE(
        DumpsAreEqual({"the seed after a pull without changes", ReadFile(rotv.Seed())}, {"the one before it", before}));
  }

  // A failure of one step hides no other: a new baseline is taken after it.
  void Follow(const DdlStep& step) {
    SCOPED_TRACE(step.statement);
    Exec(step.statement);
    bool right = IsCorrect("after the statement", step.copy);
    Exec(step.change.empty() ? usual_change : step.change);
    bool schema_changed = false;
    if (right) right = IsCorrect("after changes of the data", step.copy, &schema_changed);
    EXPECT_FALSE(schema_changed) << "the statement was found by a second pull, too";
    if (!right) rotv.MustSync({"baseline", "--force"});
  }
  void FollowAll(const std::vector<DdlStep>& steps) {
    for (const DdlStep& step : steps) Follow(step);
    NothingNewIsPulled();
    rotv.ExpectSeedIsDump({.import = Import::kEmpty});
  }

  std::string usual_change;
  Import import_ = Import::kTry;  // What is done with each seed.

 private:
  bool IsCorrect(const std::string& when, Copy copy, bool* schema_changed = nullptr) {
    SCOPED_TRACE(when);
    return PullIsCorrect(copy, schema_changed);
  }
};

}  // namespace rotv::testing
