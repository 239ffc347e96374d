// `materialize --check`: what was written is imported into a scratch server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class SeedCheckTest : public StartTest {
 protected:
  SeedCheckTest() : StartTest("local", TempDirName::kWithSpace) {}
  ~SeedCheckTest() override {
    EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "scratch/run/app.json"));
    const std::string left = RunCommand({.argv = {"pgrep", "-f", rotv_.home() / "scratch"}}).out;
    EXPECT_EQ(left, "");
  }
};

TEST_F(SeedCheckTest, ASeedThatImportsIsSaidToImport) {
  rotv_.server().Exec(
      "CREATE SCHEMA app; CREATE TYPE app.kind AS ENUM ('a'); CREATE TABLE app.t (id int PRIMARY KEY, k app.kind);"
      "CREATE VIEW app.v AS SELECT id, k, count(*) FROM app.t GROUP BY id; CREATE DOMAIN app.d AS int;"
      "ALTER DOMAIN app.d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID");
  rotv_.MustSync({"baseline"});
  EXPECT_THAT(rotv_.MustSync({"materialize", "--check"}), HasSubstr("It imports: tried on a scratch server in "));
  EXPECT_TRUE(std::filesystem::exists(rotv_.home() / "seed-data.sql"));
  const auto report = nlohmann::json::parse(rotv_.MustSync(
      {"--json", "materialize", "--check", "--no-clean", "--output", "x.sql.zst", "--compress", "zstd"}));
  EXPECT_GT(report["check_seconds"], 0.0);
  EXPECT_TRUE(nlohmann::json::parse(rotv_.MustSync({"--json", "materialize"}))["check_seconds"].is_null());
  EXPECT_EQ(rotv_.Sync({"materialize", "--check", "--output", "-"}).exit_status, kUsage);
}

TEST_F(SeedCheckTest, ASeedThatDoesNotIsNamedWithLineAndObject) {
  rotv_.server().Exec(
      "CREATE SCHEMA app; CREATE TABLE app.\"Orders\" (id int PRIMARY KEY, n int REFERENCES public.news);"
      "INSERT INTO app.\"Orders\" VALUES (1, 3)");
  rotv_.server().Exec("SET session_replication_role = replica; DELETE FROM news WHERE id = 3", kSuperuser);
  rotv_.MustSync({"baseline"});
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--output", "x.zst", "--compress", "zstd"}}) {
    std::vector<std::string> arguments = {"materialize", "--check"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = rotv_.Sync(arguments);
    EXPECT_EQ(result.exit_status, kCorrupt) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("rotv-sync: the seed cannot be imported: line "));
    EXPECT_THAT(result.err, HasSubstr("violates foreign key constraint \"Orders_n_fkey\""));
    EXPECT_THAT(result.err, HasSubstr(", at FK CONSTRAINT app.Orders Orders_n_fkey\n"));
  }
}

TEST_F(SeedCheckTest, AScheduledRunChecksWhereAsked) {
  rotv_.MustSync({"schedule", "run"});
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "seed-data.sql"));
  const Result good = rotv_.Sync({"schedule", "run", "--check"});
  EXPECT_EQ(good.exit_status, 0) << good.err;
  EXPECT_THAT(good.err, HasSubstr("seed-data.sql, which imports: tried on a scratch server in "));
  MakeSeedThatCannotBeImported();
  EXPECT_EQ(rotv_.Sync({"schedule", "run", "--check"}).exit_status, kCorrupt);
  EXPECT_THAT(rotv_.MustSync({"schedule", "show"}), HasSubstr("the seed cannot be imported: line "));
  EXPECT_THAT(rotv_.MustSync({"schedule", "show"}), HasSubstr(", at TABLE DATA public."));
}

}  // namespace
}  // namespace rotv::testing
