// The recipes of docs/ci.md: the script, word for word, in two jobs of which the second has the first one's cache.
//
// Labels: slow

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/warm/warm_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The fenced blocks of a language on the page.
std::vector<std::string> Blocks(const std::string& language) {
  const std::string page = ReadFile(fs::path(ROTV_SOURCE_DIR) / "docs/ci.md");
  const std::string fence = "```" + language + "\n";
  std::vector<std::string> blocks;
  for (size_t begin = page.find(fence); begin != std::string::npos; begin = page.find(fence, begin)) {
    begin += fence.size();
    blocks.push_back(page.substr(begin, page.find("```\n", begin) - begin));
  }
  return blocks;
}

class CiRecipeTest : public WarmTest {
 protected:
  // A machine that has nothing but the checkout, the programs and perhaps a cache.
  Result RunJob(const std::string& name, const std::vector<std::string>& command) const {
    const fs::path checkout = rotv_.directory() / name;
    fs::create_directories(checkout / "ci");
    fs::copy(std::string(ROTV_SOURCE_DIR) + "/tests/support/app", checkout / "app");
    WriteFile(checkout / "ci/with-data.sh", Blocks("sh").at(0));
    WriteFile(checkout / "rotv.toml", "[sources.production]\nremote = \"" + (rotv_.directory() / "remote").native() +
                                          "\"\n[app]\ndirectory = \"app\"\n");
    Command job = RotvCommand({});
    job.argv = {"sh", "ci/with-data.sh"};
    job.argv.insert(job.argv.end(), command.begin(), command.end());
    job.directory = checkout;
    job.env["PATH"] = fs::path(ROTV_BINARY).parent_path().native() + ":" + std::getenv("PATH");
    return RunCommand(job);
  }

  void Publish(const std::string& change) {
    rotv_.server().Exec(change);
    rotv_.MustSync({"pull"});
    Command publish = rotv_.SyncCommand({"publish"});
    WriteFile(rotv_.directory() / "publisher.toml",
              ReadFile(rotv_.config()) + "[remotes.team]\nurl = \"" + (rotv_.directory() / "remote").native() + "\"\n");
    publish.argv[4] = rotv_.directory() / "publisher.toml";
    MustRun(publish);
  }
};

TEST_F(CiRecipeTest, AJobHasTheDataAndTheNextOneTakesWhatChanged) {
  const std::vector<std::string> count = Psql("SELECT count(*) FROM places");
  Publish("SELECT 1");
  const Result first = RunJob("first", count);
  EXPECT_EQ(first.out, "100\n") << first.err;
  EXPECT_EQ(first.exit_status, 0) << first.err;
  EXPECT_EQ(RunJob("none", {"sh", "-c", "exit 7"}).exit_status, 7) << "the command's own status";

  Publish("DELETE FROM places WHERE id > 60");
  fs::create_directories(rotv_.directory() / "second");
  fs::copy(rotv_.directory() / "first/.rotv", rotv_.directory() / "second/.rotv",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  fs::remove_all(rotv_.directory() / "first");
  const Result second = RunJob("second", count);
  EXPECT_EQ(second.out, "60\n") << second.err;
  EXPECT_EQ(second.exit_status, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("40 deleted")) << "taken again as a whole";
}

TEST(CiRecipesTest, EachRunnersRecipeKeepsTheHomeAndRunsTheScript) {
  const std::vector<std::string> recipes = Blocks("yaml");
  ASSERT_EQ(recipes.size(), 2u);
  ASSERT_THAT(Blocks("sh").at(0), HasSubstr("ROTV_HOME=\"$PWD/.rotv\""));
  for (const std::string& recipe : recipes) {
    EXPECT_THAT(recipe, HasSubstr("sh ci/with-data.sh "));
    EXPECT_THAT(recipe, ::testing::ContainsRegex("path(: |s: \\[).rotv"));
  }
}

}  // namespace
}  // namespace rotv::testing
