// Commands that make and use warm clusters: a start's fixture with a directory of its own for the databases.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {

inline constexpr std::chrono::seconds kPatience{60};

class WarmTest : public StartTest {
 protected:
  explicit WarmTest(const std::string& runtime = "local") : StartTest(runtime) {
    if (runtime != "local") return;
    std::filesystem::create_directory(tmpfs());
    std::filesystem::permissions(tmpfs(), std::filesystem::perms(0711));  // For root's server.
    variables_["ROTV_TMPFS_DIR"] = tmpfs();
  }

  ~WarmTest() override {
    RunCommand(RotvCommand({"stop"}));
    std::filesystem::remove_all(tmpfs());
  }

  // Where the local databases of this test alone are.
  std::filesystem::path tmpfs() const { return "/dev/shm/rotv-test-" + rotv_.directory().filename().native(); }

  std::vector<std::string> Fresh(const std::vector<std::string>& words, const std::string& snapshot = "") const {
    std::vector<std::string> all = {"run", "--fresh"};
    if (!snapshot.empty()) all.insert(all.end(), {"--snapshot", snapshot});
    all.emplace_back("--");
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  // A query, by what the variables of `rotv run` name.
  static std::vector<std::string> Psql(const std::string& sql) {
    return {PostgresServer::BinDirectory() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql};
  }

  nlohmann::json Clusters(const std::string& kind = "state") const {
    nlohmann::json found = nlohmann::json::array();
    const nlohmann::json all = nlohmann::json::parse(MustRotv({"--json", "warm", "--list"}));
    for (const nlohmann::json& cluster : all["clusters"]) {
      if (cluster["kind"] == kind) found.push_back(cluster);
    }
    return found;
  }

  static size_t Entries(const std::filesystem::path& directory) {
    std::error_code none;
    std::filesystem::directory_iterator entries(directory, none);
    return none ? 0 : static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }
  // That no database for one command has left anything.
  void ExpectNothingLeft() const {
    EXPECT_TRUE(Processes().empty());
    EXPECT_EQ(Entries(rotv_.home() / "fresh"), 0U);
    EXPECT_EQ(Entries(tmpfs()), 0U);
  }
};

}  // namespace rotv::testing
