#include "cli/migrations/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;

class MigrationsTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text = "SELECT 1;") {
    std::filesystem::path path = directory_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::vector<std::string> Order() {
    std::vector<std::string> names;
    for (const migrations::Migration& migration : migrations::ReadMigrations(directory_.path()))
      names.push_back(migration.path);
    return names;
  }

  testing::TempDir directory_{testing::TempDirName::kWithSpace};
};

TEST_F(MigrationsTest, NumbersAreSortedAsNumbers) {
  for (const char* name : {"10_b.sql", "2_a.sql", "1_z.sql", "002_b.sql", "20260101_x.sql", "a.txt", "3_c.sql~"})
    Write(name);
  EXPECT_THAT(Order(), ElementsAre("1_z.sql", "2_a.sql", "002_b.sql", "10_b.sql", "20260101_x.sql"));
}

TEST_F(MigrationsTest, DownMigrationsAreLeftOut) {
  for (const char* name : {"1_a.up.sql", "1_a.down.sql", "2024_x/up.sql", "2024_x/down.sql", "U2__b.sql", "V2__b.sql",
                           "V10__c.sql", "R__view.sql", "Upper.sql", ".hidden.sql", ".git/x.sql"}) {
    Write(name);
  }
  EXPECT_THAT(Order(),
              ElementsAre("1_a.up.sql", "2024_x/up.sql", "Upper.sql", "V2__b.sql", "V10__c.sql", "R__view.sql"));
}

TEST_F(MigrationsTest, OnlyTheUpPartOfAFileIsRun) {
  EXPECT_EQ(migrations::ForwardPart("-- migrate:up\nA;\n-- migrate:down\nB;\n"), "-- migrate:up\nA;\n");
  EXPECT_EQ(migrations::ForwardPart("-- +goose Up\nA;\n-- +goose Down\nB;"), "-- +goose Up\nA;\n");
  EXPECT_EQ(migrations::ForwardPart("-- Up Migration\nA;\n-- Down Migration\nB;"), "-- Up Migration\nA;\n");
  EXPECT_EQ(migrations::ForwardPart("A; -- migrate:down\nB;"), "A; -- migrate:down\nB;");
  EXPECT_EQ(migrations::ForwardPart(""), "");
}

TEST_F(MigrationsTest, ACopyContainsIncludedFiles) {
  Write("1.sql", "\\ir parts/x.psql\n-- migrate:down\nDROP");
  Write("parts/x.psql", "SELECT 2;");
  Write("1.down.sql");
  testing::TempDir target;
  std::ofstream(target / "old.sql") << "of an earlier time";
  migrations::CopyMigrations(directory_.path(), migrations::ReadMigrations(directory_.path()), target.path());
  auto text = [&](const char* name) {
    std::ifstream in(target / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(text("1.sql"), "\\ir parts/x.psql\n");
  EXPECT_EQ(text("parts/x.psql"), "SELECT 2;");
  EXPECT_FALSE(std::filesystem::exists(target / "old.sql"));
}

TEST_F(MigrationsTest, AreFoundInTheUsualDirectories) {
  EXPECT_EQ(migrations::FindMigrations(directory_.path()), "");
  std::filesystem::create_directories(directory_ / "migrations");  // Contains no migrations.
  Write("backend/db/migrations/1.sql");
  EXPECT_EQ(migrations::FindMigrations(directory_.path()), directory_ / "backend/db/migrations");
  Write("migrations/1.sql");
  EXPECT_EQ(migrations::FindMigrations(directory_.path()).lexically_normal(), directory_ / "migrations");
}

TEST_F(MigrationsTest, NoneIsAnError) {
  EXPECT_THROW(migrations::ReadMigrations(directory_.path()), Error);
  EXPECT_THROW(migrations::ReadMigrations(directory_ / "nowhere"), Error);
}

TEST_F(MigrationsTest, TheFingerprintCoversPathsAndTexts) {
  Write("1.sql", "A");
  uint64_t first = migrations::MigrationsFingerprint(migrations::ReadMigrations(directory_.path()));
  EXPECT_EQ(migrations::MigrationsFingerprint(migrations::ReadMigrations(directory_.path())), first);
  Write("1.sql", "B");
  EXPECT_NE(migrations::MigrationsFingerprint(migrations::ReadMigrations(directory_.path())), first);
}

}  // namespace
}  // namespace rotv
