// Tables whose rows are left out, and the foreign keys of others to them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/formats/dump_sections.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ReferencesTest : public FollowTest {
 protected:
  explicit ReferencesTest(int version = kOwnVersion) : FollowTest(FollowOptions({.version = version})) {}

  // `exclude` is TOML; `mask` are lines of [mask].
  void Configure(const std::string& exclude, const std::string& missing = "", const std::string& mask = "") {
    rotv.Configure({{"exclude", exclude}, {"missing_references", missing}});
    std::string text = ReadFile(rotv.config());
    if (!mask.empty()) WriteFile(rotv.config(), text + "[mask]\n\"public.*\" = \"keep\"\n" + mask);
  }
  // The error of a command that is refused, and doctor's report of the same.
  std::string Refused(const std::string& command) {
    const Result doctor = rotv.Sync({"doctor"});
    EXPECT_EQ(doctor.exit_status, 2) << doctor.out << doctor.err;
    const Result result = rotv.Sync({command});
    EXPECT_EQ(result.exit_status, 2) << result.out << result.err;
    const std::string first = result.err.substr(0, result.err.find('\n'));
    const std::string what = first.substr(first.find(": ") + 2);
    EXPECT_NE(doctor.out.find(what), std::string::npos) << doctor.out << what;
    return result.err;
  }
  void Accepted(const std::string& command) {
    for (const std::string& one : {std::string("doctor"), command}) ExpectExit(rotv, {one}, 0);
  }
  // Imports a seed; returns psql's error.
  std::string ImportError() {
    rotv.server().DropDatabase("copy");
    rotv.server().CreateDatabase("copy", "postgres");
    const Result psql = rotv.server().Psql(rotv.Seed(), {"copy", "postgres"}, {"--single-transaction"});
    return psql.ok() ? "" : psql.err;
  }
};

TEST_F(ReferencesTest, AReferencedTableIsNotExcluded) {
  Exec(
      "CREATE TABLE users (id int PRIMARY KEY, name text); CREATE SCHEMA app;"
      "CREATE TABLE app.\"Orders\" (id int PRIMARY KEY, \"U\" int REFERENCES users);"
      "INSERT INTO users VALUES (1, 'x'); INSERT INTO app.\"Orders\" VALUES (1, 1)");
  Configure(R"(["public.users"])");
  EXPECT_THAT(Refused("baseline"), AllOf(HasSubstr("app.\"Orders\" (\"U\") references public.users, which is excluded: "
                                                   "foreign key Orders_U_fkey"),
                                         HasSubstr("missing_references = \"not_valid\" in [sources.production]")));
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  Configure("", "", "\"public.users\" = \"drop\"\n");
  EXPECT_THAT(Refused("baseline"), HasSubstr("references public.users, whose rows a masking rule drops"));
  Configure("", "", "\"public.users\" = { rule = \"sample\", percent = 50 }\n");
  EXPECT_THAT(Refused("baseline"), HasSubstr("references public.users, of which a masking rule keeps a sample"));

  Configure(R"(["public.users"])", "", "\"app.Orders\" = \"drop\"\n");
  Accepted("baseline");
  EXPECT_EQ(ImportError(), "");
  Configure(R"(["public.users"])", "", "\"app.Orders.U\" = \"null\"\n");
  Accepted("pull");
  EXPECT_EQ(ImportError(), "");
  Configure(R"(["public.users", "app.Orders"])", "");
  Accepted("pull");
  EXPECT_EQ(ImportError(), "");
  // Now the rows of one are wanted again.
  Configure(R"(["public.users"])", "", "\"app.Orders\" = \"keep\"\n\"app.Orders.U\" = \"keep\"\n");
  Refused("pull");
}

TEST_F(ReferencesTest, TheForeignKeysComeNotValidIfThatIsWanted) {
  Exec(
      "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (id int PRIMARY KEY, u int, v int DEFAULT 0);"
      "ALTER TABLE orders ADD CONSTRAINT \"it's; a key\" FOREIGN KEY (u) REFERENCES users ON DELETE CASCADE DEFERRABLE;"
      "ALTER TABLE orders ADD FOREIGN KEY (v) REFERENCES orders; INSERT INTO users VALUES (1); INSERT INTO orders "
      "VALUES (0, 1)");
  Configure(R"(["public.users"])", "\"not_valid\"");
  const Result baseline = rotv.Sync({"baseline"});
  EXPECT_EQ(baseline.exit_status, 0) << baseline.err;
  EXPECT_THAT(baseline.err, HasSubstr("NOT VALID: it's; a key of public.orders"));
  std::string expected = rotv.server().Dump("rotv", {"--exclude-table-data=public.users"});
  const std::string key = "REFERENCES public.users(id) ON DELETE CASCADE DEFERRABLE";
  expected.insert(expected.find(key) + key.size(), " NOT VALID");
  EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(rotv.Seed())}, {"the dump", expected}));
  EXPECT_EQ(ImportError(), "");
  EXPECT_THAT(rotv.MustSync({"doctor"}), HasSubstr("foreign keys that a seed makes NOT VALID: it's; a key"));
  // A row that comes later, and a key, too.
  Exec(
      "INSERT INTO users VALUES (2); INSERT INTO orders VALUES (2, 2); CREATE TABLE late (u int REFERENCES users);"
      "INSERT INTO late VALUES (2)");
  rotv.MustSync({"pull"});
  EXPECT_EQ(ImportError(), "");
  Configure(R"(["public.users"])", "");
  Refused("pull");
  Configure("", "");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

TEST_F(ReferencesTest, AMigrationThatAddsAReferenceStopsThePull) {
  Exec(
      "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (id int PRIMARY KEY, u int);"
      "INSERT INTO users VALUES (1); INSERT INTO orders VALUES (1, 1)");
  Configure(R"(["public.users"])");
  Accepted("baseline");
  Exec("ALTER TABLE orders ADD FOREIGN KEY (u) REFERENCES users; INSERT INTO orders VALUES (2, 1)");
  const std::string before = ReadFile(rotv.Seed());
  EXPECT_THAT(Refused("pull"), HasSubstr("public.orders (u) references public.users"));
  EXPECT_EQ(ReadFile(rotv.Seed()), before);
  Exec("ALTER TABLE orders DROP CONSTRAINT orders_u_fkey");
  Accepted("pull");
}

// Nothing in a seed has to be found: each of these imports.
TEST_F(ReferencesTest, WhatAnImportDoesNotCheckIsAccepted) {
  Exec(R"(
    CREATE TABLE users (id int PRIMARY KEY, parent int REFERENCES users, u2 int UNIQUE); INSERT INTO users VALUES (1, 1, 1);
    CREATE TABLE old (u int); INSERT INTO old VALUES (7); ALTER TABLE old ADD FOREIGN KEY (u) REFERENCES users NOT VALID;
    CREATE TABLE a (id int PRIMARY KEY REFERENCES users); CREATE TABLE b (id int REFERENCES a); INSERT INTO a VALUES (1);
    INSERT INTO b VALUES (1); CREATE TABLE pair (x int, y int, PRIMARY KEY (x, y)); INSERT INTO pair VALUES (1, 1);
    CREATE TABLE simple (x int, y int, FOREIGN KEY (x, y) REFERENCES pair); INSERT INTO simple VALUES (1, 1);
    CREATE TABLE full_key (x int, y int, FOREIGN KEY (x, y) REFERENCES pair MATCH FULL); INSERT INTO full_key VALUES (1, 1))");
  Configure(R"(["public.users", "public.a", "public.b", "public.pair"])", "",
            "\"public.simple.y\" = \"null\"\n\"public.full_key.x\" = \"null\"\n\"public.full_key.y\" = \"null\"\n");
  Accepted("baseline");
  EXPECT_EQ(ImportError(), "");
  Configure(R"(["public.users", "public.a", "public.b", "public.pair"])", "",
            "\"public.simple.y\" = \"null\"\n\"public.full_key.x\" = \"null\"\n\"public.full_key.y\" = \"keep\"\n");
  EXPECT_THAT(Refused("pull"), HasSubstr("public.full_key (x, y) references public.pair"));
  // A chain: what references an excluded table is itself referenced.
  Configure(R"(["public.a", "public.pair"])", "",
            "\"public.simple.y\" = \"null\"\n\"public.full_key.x\" = \"null\"\n\"public.full_key.y\" = \"null\"\n");
  EXPECT_THAT(Refused("pull"), HasSubstr("public.b (id) references public.a"));
}

class PartitionReferencesTest : public ReferencesTest, public ::testing::WithParamInterface<int> {
 protected:
  PartitionReferencesTest() : ReferencesTest(GetParam()) {}
};

TEST_P(PartitionReferencesTest, PartitionsCountOnBothSides) {
  Exec(R"(
    CREATE TABLE r (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (10);
    CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
    CREATE TABLE r2a PARTITION OF r2 DEFAULT;
    CREATE TABLE p (gone int, id int, r int REFERENCES r) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 (r int, id int, gone int); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20))");
  Exec(R"(ALTER TABLE p DROP COLUMN gone; INSERT INTO r VALUES (1), (11); INSERT INTO p VALUES (1, 1), (11, 11))");
  Configure(R"(["public.r2a"])");
  EXPECT_THAT(Refused("baseline"),
              HasSubstr("public.p1 (r) references public.r2a, which is excluded: foreign key p_r_fkey"));
  Configure(R"(["public.r2a", "public.p1"])");
  EXPECT_THAT(Refused("baseline"), HasSubstr("public.p2 (r) references public.r2a"));
  Configure(R"(["public.r2a", "public.p1", "public.p2"])");
  Accepted("baseline");
  EXPECT_EQ(ImportError(), "");
  Configure(R"(["public.r2a"])", "\"not_valid\"");
  if (PostgresServer::MajorVersion(GetParam()) >= 18) {
    Accepted("pull");
    EXPECT_EQ(ImportError(), "");
  } else {
    EXPECT_THAT(Refused("pull"), HasSubstr("which cannot be NOT VALID, since its table is partitioned"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, PartitionReferencesTest, ::testing::Values(kOwnVersion, 18));

}  // namespace
}  // namespace rotv::testing
