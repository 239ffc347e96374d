// Several applications side by side in one home directory, each of its own project.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class StartProjectsTest : public StartTest {
 protected:
  ~StartProjectsTest() override {
    for (const fs::path& directory : projects_) RunIn(directory, {"stop"});
  }

  // A project with the same source and an application of its own; returns its directory.
  fs::path MakeProject(const std::string& name, int port) {
    const fs::path directory = rotv_.directory() / name;
    fs::create_directories(directory);
    fs::copy(std::string(ROTV_SOURCE_DIR) + "/tests/support/app", directory / "app");
    std::string config = ReadFile(rotv_.config());
    const std::string old = "port = " + std::to_string(port_);
    config.replace(config.find(old), old.size(), "port = " + std::to_string(port));
    WriteFile(directory / "rotv.toml", config);
    projects_.push_back(directory);
    return directory;
  }
  // The command as somebody types it in that directory.
  Command CommandIn(const fs::path& directory, const std::vector<std::string>& arguments) const {
    Command command = RotvCommand(arguments);
    const auto config = std::find(command.argv.begin(), command.argv.end(), "--config");
    command.argv.erase(config, config + 2);
    command.directory = directory;
    return command;
  }
  Result RunIn(const fs::path& directory, const std::vector<std::string>& arguments) const {
    return RunCommand(CommandIn(directory, arguments));
  }
  std::string MustIn(const fs::path& directory, const std::vector<std::string>& arguments) const {
    return MustRun(CommandIn(directory, arguments)).out;
  }
  Json StatusIn(const fs::path& directory) const { return Json::parse(RunIn(directory, {"--json", "status"}).out); }
  // The states of all applications that `rotv list` shows, by name.
  std::map<std::string, std::string> List() const {
    std::map<std::string, std::string> states;
    const Json list = Json::parse(MustRotv({"--json", "list"}));
    for (const Json& one : list.at("applications")) {
      states[one.at("name")] = one.at("state");
    }
    return states;
  }
  std::string PlacesIn(const fs::path& directory) const {
    return MustIn(directory, {"psql", "-XAtc", "SELECT count(*) FROM places"});
  }

  std::vector<fs::path> projects_;
};

TEST_F(StartProjectsTest, ApplicationsRunSideBySide) {
  const fs::path shop = MakeProject("shop", FreePort()), forum = MakeProject("forum", FreePort());
  EXPECT_THAT(MustRotv({"list"}), HasSubstr("Nothing runs here."));
  MustIn(shop, {"start"});
  EXPECT_EQ(StatusIn(forum).at("state"), "stopped") << "that of another project does not count";
  MustIn(forum, {"start"});
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"shop", "running"}, {"forum", "running"}}));
  EXPECT_THAT(MustRotv({"list"}), HasSubstr(forum.native()));
  MustIn(shop, {"psql", "-qc", "DELETE FROM places WHERE id > 10"});
  EXPECT_EQ(PlacesIn(shop), "10\n");
  EXPECT_EQ(PlacesIn(forum), "100\n");
  EXPECT_NE(MustIn(shop, {"url"}), MustIn(forum, {"url"}));
  EXPECT_EQ(MustIn(forum, {"exec", "--", "pwd"}), (forum / "app").native() + "\n");
  EXPECT_THAT(MustIn(forum, {"logs"}), HasSubstr("rotv: database ready"));
  EXPECT_THAT(MustIn(forum, {"start"}), HasSubstr("Already running"));
  // From anywhere, by name.
  EXPECT_EQ(MustRotv({"--name", "forum", "psql", "-XAtc", "SELECT count(*) FROM places"}), "100\n");
  EXPECT_EQ(MustRotv({"--name", "forum", "exec", "--", "pwd"}), (forum / "app").native() + "\n");
  EXPECT_EQ(Json::parse(MustRotv({"--name", "shop", "--json", "status"})).at("directory"), shop.native());
  const Result taken = RunIn(shop, {"--name", "forum", "start"});
  EXPECT_EQ(taken.exit_status, kUsage);
  EXPECT_THAT(taken.err, HasSubstr("the name forum is that of " + forum.native() + "\nhint: "));
  // Stops nobody else's.
  EXPECT_THAT(MustRotv({"stop"}), HasSubstr("Nothing was running"));
  EXPECT_EQ(MustIn(shop, {"stop"}), "Stopped.\n");
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"forum", "running"}}));
  EXPECT_EQ(PlacesIn(forum), "100\n");
  EXPECT_EQ(MustRotv({"--name", "forum", "stop"}), "Stopped.\n");
  EXPECT_THAT(Processes(), IsEmpty());
}

TEST_F(StartProjectsTest, ATakenPortIsSaidToBeAnotherApplications) {
  const int port = FreePort();
  const fs::path shop = MakeProject("a/shop", port), clone = MakeProject("b/shop", port);
  MustIn(shop, {"start"});
  const Result taken = RunIn(clone, {"start"});
  EXPECT_EQ(taken.exit_status, kUsage);
  EXPECT_THAT(taken.err, HasSubstr("is in use by the application shop of " + shop.native()));
  MustIn(clone, {"start", "--port", std::to_string(FreePort())});
  EXPECT_EQ(List().size(), 2u);
  EXPECT_THAT(std::string(StatusIn(clone).at("name")), ::testing::MatchesRegex("shop-[0-9a-f]+"));
  // A directory that is renamed while its application runs.
  fs::rename(clone, clone.parent_path() / "store");
  projects_.push_back(clone.parent_path() / "store");
  EXPECT_EQ(StatusIn(clone.parent_path() / "store").at("state"), "running");
  EXPECT_EQ(MustIn(clone.parent_path() / "store", {"stop"}), "Stopped.\n");
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"shop", "running"}}));
}

TEST_F(StartProjectsTest, EachPersistentClusterIsItsProjects) {
  fs::create_directories(rotv_.home() / "apps/forum");
  for (const char* place : {"", "apps", "apps/forum"}) {
    fs::permissions(rotv_.home() / place, fs::perms(0711));  // For root's server.
  }
  const fs::path shop = MakeProject("shop", FreePort()), forum = MakeProject("forum", FreePort());
  MustIn(shop, {"start"});
  MustIn(forum, {"start", "--persistent"});
  EXPECT_TRUE(fs::exists(rotv_.home() / "apps/forum/pgdata/PG_VERSION"));
  EXPECT_FALSE(fs::exists(rotv_.home() / "pgdata"));
  MustIn(forum, {"stop"});
  EXPECT_EQ(PlacesIn(shop), "100\n");
}

// An older program kept one application in a home directory, and no record of projects.
TEST_F(StartProjectsTest, WhatAnOlderProgramStartedIsFound) {
  const fs::path shop = MakeProject("shop", FreePort()), forum = MakeProject("forum", FreePort());
  MustIn(shop, {"start"});
  fs::remove(rotv_.home() / "run/project.json");
  EXPECT_EQ(StatusIn(shop).at("state"), "running");
  EXPECT_EQ(StatusIn(forum).at("state"), "stopped");
  MustIn(forum, {"start"});
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"app", "running"}, {"forum", "running"}}));
  MustIn(shop, {"psql", "-qc", "DELETE FROM places"});
  MustIn(shop, {"restart"});
  EXPECT_EQ(PlacesIn(shop), "100\n");
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"shop", "running"}, {"forum", "running"}}));
  MustIn(shop, {"stop"});
  EXPECT_EQ(List(), (std::map<std::string, std::string>{{"forum", "running"}}));
}

}  // namespace
}  // namespace rotv::testing
