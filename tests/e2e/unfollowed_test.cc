// What a database can hold and is not followed yet: named before anything is done, with the statement that helps, and
// never left out in silence.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/error_checks.h"

namespace rotv::testing {
namespace {

constexpr int kRefused = 3;

struct UnfollowedCase {
  std::string name;
  std::string table;  // A definition of public.odd.
  std::string why;
  std::string statement;
};

void PrintTo(const UnfollowedCase& unfollowed, std::ostream* out) { *out << unfollowed.name; }

class UnfollowedTableTest : public ::testing::TestWithParam<UnfollowedCase> {};

TEST_P(UnfollowedTableTest, IsNamedWithItsStatementAndBothWaysOutHelp) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
  rotv.server().Exec("CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (1);" + GetParam().table +
                     "INSERT INTO odd VALUES (1, 'a'), (2, 'b');");
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, kRefused);
  EXPECT_THAT(doctor.out, ::testing::HasSubstr("public.odd"));
  EXPECT_THAT(doctor.out, ::testing::HasSubstr(GetParam().statement));
  ExpectError(rotv.Sync({"baseline"}), {kRefused, GetParam().why, GetParam().statement});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  EXPECT_TRUE(Stores(rotv).empty());

  rotv.Configure({{"exclude", R"(["public.odd"])"}});
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump({.dump_arguments = {"--exclude-table-data=public.odd"}});

  rotv.Configure({{"exclude", ""}});
  EXPECT_THAT(rotv.Sync({"pull"}).err, ::testing::HasSubstr("`exclude`"));
  rotv.server().Exec(GetParam().statement);
  rotv.MustSync({"baseline", "--force"});
  rotv.server().Exec("UPDATE odd SET name = 'c' WHERE id = 1; DELETE FROM odd WHERE id = 2");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

INSTANTIATE_TEST_SUITE_P(
    All, UnfollowedTableTest,
    ::testing::Values(UnfollowedCase{"NoKey", "CREATE TABLE odd (id int, name text);", "no primary key",
                                     "ALTER TABLE public.odd REPLICA IDENTITY FULL"},
                      UnfollowedCase{"DeferrableKey", "CREATE TABLE odd (id int PRIMARY KEY DEFERRABLE, name text);",
                                     "deferrable", "ALTER TABLE public.odd REPLICA IDENTITY FULL"},
                      UnfollowedCase{"IdentityNothing",
                                     "CREATE TABLE odd (id int PRIMARY KEY, name text);"
                                     "ALTER TABLE odd REPLICA IDENTITY NOTHING;",
                                     "REPLICA IDENTITY NOTHING", "ALTER TABLE public.odd REPLICA IDENTITY DEFAULT"},
                      UnfollowedCase{"Unlogged", "CREATE UNLOGGED TABLE odd (id int PRIMARY KEY, name text);",
                                     "unlogged", "ALTER TABLE public.odd SET LOGGED"}),
    [](const auto& unfollowed) { return unfollowed.param.name; });

TEST(UnfollowedTest, LargeObjectsAreNamedByDoctorBaselineAndMaterialize) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
  rotv.server().Exec("CREATE TABLE fine (id int PRIMARY KEY); SELECT lo_from_bytea(0, 'abc')");
  EXPECT_THAT(rotv.Sync({"doctor"}).out, ::testing::HasSubstr("large objects"));
  const Result baseline = rotv.Sync({"baseline"});
  EXPECT_EQ(baseline.exit_status, 0) << baseline.err;
  EXPECT_THAT(baseline.err, ::testing::HasSubstr("the seed will lack 1 large objects"));
  EXPECT_THAT(rotv.Sync({"materialize"}).err, ::testing::HasSubstr("the seed lacks 1 large objects"));
}

}  // namespace
}  // namespace rotv::testing
