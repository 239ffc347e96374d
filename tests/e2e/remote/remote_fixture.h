// Base of the tests of remotes: one home follows a real source and publishes in a directory, another one follows that.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

inline RotvHomeOptions PublisherOptions() {
  RotvHomeOptions options = FollowOptions();
  options.more_config = "[remotes.team]\nurl = \"the remote\"\nkeep_days = 0\n";
  return options;
}

class RemoteTest : public FollowTest {
 protected:
  RemoteTest() : RemoteTest(PublisherOptions()) { ConfigureFollower(remote().native()); }
  // Without a follower's rotv.toml yet.
  explicit RemoteTest(RotvHomeOptions options) : FollowTest(std::move(options)) {}

  std::filesystem::path remote() const { return rotv.directory() / "the remote"; }
  std::filesystem::path objects() const { return remote() / "objects"; }
  std::filesystem::path follower_home() const { return rotv.directory() / "their home"; }

  void ConfigureFollower(const std::string& place, const std::string& more = "") {
    WriteFile(rotv.directory() / "follower.toml", "[sources.copy]\nremote = \"" + place + "\"\n" + more);
  }

  // A command of the follower, which has neither the source's address nor the publisher's home.
  Command FollowerCommand(const std::vector<std::string>& arguments) const {
    Command command = rotv.SyncCommand(arguments);
    command.argv[2] = follower_home();
    command.argv[4] = rotv.directory() / "follower.toml";
    return command;
  }
  Result Follower(const std::vector<std::string>& arguments) const { return RunCommand(FollowerCommand(arguments)); }
  std::string MustFollow(const std::vector<std::string>& arguments) const {
    return MustRun(FollowerCommand(arguments)).out;
  }
  nlohmann::json FollowerJson(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return nlohmann::json::parse(MustFollow(arguments));
  }

  std::filesystem::path FollowerSeed(const std::vector<std::string>& point = {}) const {
    const std::filesystem::path path = rotv.directory() / "their seed.sql";
    std::vector<std::string> arguments = {"materialize", "--restrict", "never", "--output", path};
    arguments.insert(arguments.end(), point.begin(), point.end());
    MustFollow(arguments);
    return path;
  }

  void PullAndPublish() {
    rotv.MustSync({"pull"});
    rotv.MustSync({"publish"});
  }
  // The source must be at rest.
  void FollowerIsDump(Import import = Import::kNone) {
    MustFollow({"pull"});
    ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = import});
  }
  // Both have the same bytes at a point that both know by this text.
  void SameSeedAt(const std::string& point) {
    EXPECT_EQ(ReadFile(rotv.Seed("our seed.sql", {"--at", point})), ReadFile(FollowerSeed({"--at", point}))) << point;
  }

  void ExpectFollowerExit(const std::vector<std::string>& arguments, int status, const std::string& words) {
    const Command command = FollowerCommand(arguments);
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, status) << Describe(command, result);
    EXPECT_NE(result.err.find(words), std::string::npos) << Describe(command, result);
    EXPECT_NE(result.err.find("hint: "), std::string::npos) << Describe(command, result);
  }
};

}  // namespace rotv::testing
