// Base of the tests of much data and of long transactions: commands that must stay within their memory, and a
// comparison of texts that would not fit into it.

#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

constexpr int64_t kMostKib = 256 * 1024;

// A source that drops clients without a standby status for two seconds.
inline RotvHomeOptions LargeOptions(PostgresOptions postgres = {}) {
  postgres.settings["wal_sender_timeout"] = "2s";
  postgres.settings["max_wal_size"] = "4GB";
  postgres.settings["autovacuum"] = "off";
  return FollowOptionsBySsh(std::move(postgres));
}

class LargeTest : public FollowTest {
 protected:
  LargeTest() : LargeTest(LargeOptions()) {}
  explicit LargeTest(RotvHomeOptions options) : FollowTest(std::move(options)) {}

  // Runs the command within 256 MiB and returns its JSON. Time and memory are recorded as test properties.
  nlohmann::json WithinMemory(const std::string& what, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    Command command = rotv.SyncCommand(arguments);
    command.timeout = std::chrono::hours(1);
    const Result result = RunCommand(command);
    RecordProperty(what + "_ms", static_cast<int>(result.seconds * 1000));
    RecordProperty(what + "_peak_kib", static_cast<int>(result.peak_rss_kib));
    EXPECT_TRUE(result.ok()) << Describe(command, result);
    EXPECT_LE(result.peak_rss_kib, kMostKib) << what;
    last_seconds = result.seconds;
    return nlohmann::json::parse(result.out, nullptr, false);
  }

  // The oracle for text that is too large to be sorted in memory: the number of lines, and the sum of their hashes.
  void ExpectSeedHasTheDumpsLines() {
    const std::filesystem::path seed = rotv.directory() / "seed.sql";
    const std::filesystem::path dump = rotv.directory() / "dump.sql";
    WithinMemory("materialize", {"materialize", "--output", seed});
    Command command = rotv.server().DumpCommand();
    command.stdout_path = dump;
    command.timeout = std::chrono::hours(1);
    MustRun(command);
    EXPECT_EQ(ContentOf(seed), ContentOf(dump));
  }

  double last_seconds = 0;

 private:
  struct Content {
    uint64_t lines = 0;
    uint64_t sum = 0;
    bool operator==(const Content&) const = default;
  };

  static Content ContentOf(const std::filesystem::path& dump) {
    std::ifstream file(dump);
    Content content;
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line.starts_with("--") || line.starts_with("\\restrict") || line.starts_with("\\unrestrict"))
        continue;
      ++content.lines;
      content.sum += std::hash<std::string>()(line);
    }
    return content;
  }
};

}  // namespace rotv::testing
