// Data that no stream carries: tables without a usable identity, unlogged tables, large objects, configuration of
// extensions. A pull resyncs them if they have changed, and only then.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/ddl_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ResyncTest : public DdlTest {
 protected:
  // The entry of a table in doctor's or status's JSON: {"name", "follow", "reason", ...}.
  nlohmann::json ReportOf(const std::string& command, const std::string& table) {
    const Result result = rotv.Sync({"--json", command});
    const nlohmann::json document = nlohmann::json::parse(result.out);
    for (const nlohmann::json& entry : document.at("tables")) {
      if (entry.at("name") == table) return entry;
    }
    ADD_FAILURE() << table << " is not reported: " << result.out << result.err;
    return {{"follow", ""}, {"reason", ""}};
  }
  bool Published(const std::string& table) {
    return rotv.server().Value("SELECT count(*) FROM pg_publication_tables WHERE tablename = " + SqlLiteral(table)) !=
           "0";
  }
};

struct Kind {
  const char* name;
  const char* table;  // A definition of public.odd (id int, v text).
  const char* reason;
  bool can_be_published = true;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class ResyncKindTest : public ResyncTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(ResyncKindTest, IsResyncedOnlyWhenItChanged) {
  Exec("CREATE TABLE fine (id int PRIMARY KEY, v text); INSERT INTO fine VALUES (1, 'a');" +
       std::string(GetParam().table) + ";INSERT INTO odd SELECT n, 'row' FROM generate_series(1, 500) n");
  const nlohmann::json doctor = ReportOf("doctor", "public.odd");
  EXPECT_EQ(doctor.at("follow"), "resynced when changed");
  EXPECT_THAT(doctor.at("reason").get<std::string>(), HasSubstr(GetParam().reason));
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  BaselineIsDump();
  EXPECT_FALSE(Published("odd"));
  EXPECT_EQ(ReportOf("status", "public.odd").at("follow"), "resynced when changed");

  EXPECT_THAT(PullCopies(), IsEmpty());
  Exec("UPDATE fine SET v = 'b'");
  EXPECT_THAT(PullCopies(), IsEmpty());
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  for (const char* change : {
           "INSERT INTO odd VALUES (1000, 'new')",
           "UPDATE odd SET v = 'changed' WHERE id = 7",
           "DELETE FROM odd WHERE id = 8",
           "UPDATE odd SET v = 'twice'; UPDATE fine SET v = 'c'",
           // The number of rows stays the same.
           "BEGIN; DELETE FROM odd WHERE id = 9; INSERT INTO odd VALUES (9, 'again'); COMMIT",
           "DELETE FROM odd WHERE id > 490; INSERT INTO odd SELECT n, 'back' FROM generate_series(491, 500) n",
           "TRUNCATE odd",
           "INSERT INTO odd VALUES (1, 'a'), (2, 'b')",
           "TRUNCATE odd; INSERT INTO odd VALUES (1, 'a'), (2, 'c')",
       }) {
    SCOPED_TRACE(change);
    Exec(change);
    EXPECT_THAT(PullCopies(), ElementsAre("public.odd"));
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    EXPECT_THAT(PullCopies(), IsEmpty());
  }
  // Nothing changes: a rollback, and a read.
  Exec("BEGIN; UPDATE odd SET v = 'no'; ROLLBACK; SELECT * FROM odd");
  rotv.MustSync({"pull"});
  Exec("INSERT INTO odd VALUES (77, 'text')");
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("public.odd"));
  rotv.ExpectSeedIsDump({.import = Import::kEmpty});
}

INSTANTIATE_TEST_SUITE_P(
    All, ResyncKindTest,
    ::testing::Values(Kind{"NoKey", "CREATE TABLE odd (id int, v text)", "no primary key"},
                      Kind{"DeferrableKey", "CREATE TABLE odd (id int PRIMARY KEY DEFERRABLE, v text)", "deferrable"},
                      Kind{"IdentityNothing",
                           "CREATE TABLE odd (id int PRIMARY KEY, v text); ALTER TABLE odd REPLICA IDENTITY NOTHING",
                           "NOTHING"},
                      Kind{"IdentityIndexGone",
                           "CREATE TABLE odd (id int NOT NULL, v text); CREATE UNIQUE INDEX odd_id ON odd (id);"
                           "ALTER TABLE odd REPLICA IDENTITY USING INDEX odd_id; DROP INDEX odd_id",
                           "index"},
                      Kind{"Unlogged", "CREATE UNLOGGED TABLE odd (id int PRIMARY KEY, v text)", "unlogged"},
                      Kind{"UniqueButNoKey", "CREATE TABLE odd (id int UNIQUE, v text)", "no primary key"},
                      Kind{"Partition",
                           "CREATE TABLE odd (id int, v text) PARTITION BY RANGE (id);"
                           "CREATE TABLE rest PARTITION OF odd DEFAULT; DROP TABLE odd; CREATE TABLE odd (id int, v "
                           "text)",
                           "no primary key"}),
    [](const auto& kind) { return std::string(kind.param.name); });

// Labels: asan tsan
TEST_F(ResyncTest, OnlyChangedTablesAreResynced) {
  for (int i = 0; i < 120; ++i) {
    Exec(fmt::format(
        "CREATE TABLE n{0} (id int, v text); INSERT INTO n{0} SELECT n, 'row' FROM generate_series(1, {0}) n", i));
  }
  BaselineIsDump({.import = Import::kNone});
  Exec("UPDATE n3 SET v = 'x'; INSERT INTO n0 VALUES (1, 'a'); TRUNCATE n119; CREATE TABLE fresh (id int)");
  const std::vector<std::string> copied = PullCopies();
  EXPECT_THAT(copied, ::testing::IsSupersetOf({"public.n0", "public.n119", "public.n3"}));
  EXPECT_LE(copied.size(), 4U);
  rotv.ExpectSeedIsDump();
  EXPECT_THAT(PullCopies(), IsEmpty());
}

TEST_F(ResyncTest, APartitionWithoutAKeyIsResyncedAndItsSiblingStreamed) {
  Exec(
      "CREATE TABLE m (id int, v text) PARTITION BY RANGE (id);"
      "CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (0) TO (100); CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM "
      "(100) TO (200); ALTER TABLE m_2 ADD PRIMARY KEY (id); INSERT INTO m SELECT n, 'row' FROM generate_series(0, "
      "199) "
      "n");
  BaselineIsDump();
  EXPECT_EQ(ReportOf("status", "public.m").at("follow"), "schema only");
  EXPECT_EQ(ReportOf("status", "public.m_2").at("follow"), "streamed by primary key");
  Exec("DELETE FROM m WHERE id = 160; UPDATE m SET id = 160 WHERE id = 60; UPDATE m SET v = 'x' WHERE id > 190");
  rotv.MustSync({"pull"});
  Exec("UPDATE m SET v = 'y' WHERE id > 190");
  EXPECT_THAT(PullCopies(), IsEmpty());
  Exec("UPDATE m SET v = 'y' WHERE id < 10");
  EXPECT_THAT(PullCopies(), ElementsAre("public.m_1"));
  rotv.ExpectSeedIsDump();
}

// The one harm that the output plugin forces: the server refuses UPDATE and DELETE. doctor warns of it beforehand, and
// a pull ends it.
TEST_F(ResyncTest, ATableThatLosesItsIdentityIsFreedByThePull) {
  Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n");
  rotv.MustSync({"baseline"});
  const std::string publication = rotv.server().Value("SELECT pubname FROM pg_publication");
  for (const auto& [lose, gain] : std::vector<std::pair<std::string, std::string>>{
           {"ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t ADD PRIMARY KEY (id)"},
           {"ALTER TABLE t REPLICA IDENTITY NOTHING", "ALTER TABLE t REPLICA IDENTITY DEFAULT"},
           {"ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id) DEFERRABLE",
            "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id)"},
       }) {
    SCOPED_TRACE(lose);
    ASSERT_TRUE(Published("t"));
    Exec(lose);
    EXPECT_THROW(Exec("UPDATE t SET v = 'refused' WHERE id = 1"), std::runtime_error);
    EXPECT_THROW(Exec("DELETE FROM t WHERE id = 1"), std::runtime_error);
    Exec("INSERT INTO t SELECT max(id) + 1, 'let through' FROM t");
    const Result doctor = rotv.Sync({"doctor"});
    EXPECT_THAT(doctor.out, HasSubstr("DROP TABLE ONLY public.t"));
    EXPECT_THAT(doctor.out, HasSubstr(publication));
    ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
    EXPECT_FALSE(Published("t"));
    EXPECT_EQ(ReportOf("status", "public.t").at("follow"), "resynced when changed");
    Exec("UPDATE t SET v = 'free' WHERE id < 10; DELETE FROM t WHERE id = 50");
    EXPECT_THAT(PullCopies(), ElementsAre("public.t"));
    rotv.ExpectSeedIsDump({.import = Import::kNone});

    Exec(gain + "; UPDATE t SET v = v || '!' WHERE id > 90");
    ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
    EXPECT_TRUE(Published("t"));
    EXPECT_EQ(ReportOf("status", "public.t").at("follow"), "streamed by primary key");
    Exec("UPDATE t SET v = 'streamed' WHERE id < 10; INSERT INTO t VALUES (50, 'back')");
    EXPECT_TRUE(PullIsCorrect(Copy::kNever));
    NothingNewIsPulled();
  }
  rotv.ExpectSeedIsDump();
}

// An administrator frees the table by hand, with doctor's statement.
TEST_F(ResyncTest, ATableFreedByDoctorsStatementStaysFollowed) {
  Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n");
  rotv.MustSync({"baseline"});
  Exec("ALTER TABLE t DROP CONSTRAINT t_pkey");
  Exec("ALTER PUBLICATION " + SqlName(rotv.server().Value("SELECT pubname FROM pg_publication")) +
       " DROP TABLE public.t; UPDATE t SET v = 'free'; DELETE FROM t WHERE id > 90");
  ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  Exec("ALTER TABLE t ADD PRIMARY KEY (id); UPDATE t SET v = 'key'");
  ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  // The table leaves the publication while it has its key: changes in the meantime are in no stream.
  Exec("ALTER PUBLICATION " + SqlName(rotv.server().Value("SELECT pubname FROM pg_publication")) +
       " DROP TABLE public.t; UPDATE t SET v = 'unseen'; DELETE FROM t WHERE id > 80");
  ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  Exec("UPDATE t SET v = 'seen' WHERE id < 5");
  EXPECT_TRUE(PullIsCorrect(Copy::kNever));
}

// The extension marks which rows are the user's; a dump has those. CREATE EXTENSION creates the table: there is nothing
// to import.
TEST_F(ResyncTest, AnExtensionsConfigurationIsCopiedWithItsFilter) {
  import_ = Import::kNone;  // CREATE EXTENSION does not make these tables.
  ExecAsSuperuser(
      "SET search_path = public; CREATE EXTENSION citext; CREATE TABLE conf (id int PRIMARY KEY, v text, own bool);"
      "CREATE TABLE member (id int PRIMARY KEY); CREATE TABLE all_of_it (id int); CREATE SEQUENCE conf_seq;"
      "ALTER EXTENSION citext ADD TABLE conf; ALTER EXTENSION citext ADD TABLE member; ALTER EXTENSION citext ADD "
      "TABLE "
      "all_of_it; ALTER EXTENSION citext ADD SEQUENCE conf_seq; GRANT SELECT ON ALL TABLES IN SCHEMA public TO rotv;"
      "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO rotv;"
      "UPDATE pg_extension SET extconfig = ARRAY['conf'::regclass::oid, 'all_of_it'::regclass, 'conf_seq'::regclass], "
      "extcondition = ARRAY['WHERE own AND v <> $$no$$', '', ''] WHERE extname = 'citext';"
      "INSERT INTO conf VALUES (1, 'built in', false), (2, 'own', true), (3, 'no', true); INSERT INTO member VALUES "
      "(1);"
      "INSERT INTO all_of_it VALUES (1); SELECT nextval('conf_seq'), nextval('conf_seq')");
  BaselineIsDump({.import = Import::kNone});
  for (const char* change :
       {"INSERT INTO conf VALUES (4, 'new', true), (5, 'no', true), (6, 'new', false)", "UPDATE conf SET own = NOT own",
        "DELETE FROM conf WHERE id = 1; INSERT INTO all_of_it VALUES (2)", "SELECT nextval('conf_seq')",
        "UPDATE pg_extension SET extcondition = ARRAY['WHERE NOT own', '', ''] WHERE extname = 'citext'",
        "INSERT INTO member VALUES (2)", "TRUNCATE conf"}) {
    SCOPED_TRACE(change);
    ExecAsSuperuser(std::string("SET search_path = public;") + change);
    if (PullIsCorrect(Copy::kAllowed)) NothingNewIsPulled();
  }
}

// Labels: slow
TEST_F(ResyncTest, ChangedLargeObjectsAreResynced) {
  Exec("CREATE TABLE fine (id int PRIMARY KEY, o oid)");
  BaselineIsDump();
  for (
      const char* change : {
          "INSERT INTO fine SELECT n, lo_from_bytea(0, decode(md5(n::text), 'hex')) FROM generate_series(1, 20) n",
          "SELECT lo_put(o, 5, '\\xdeadbeef') FROM fine WHERE id = 3",
          "DO $$ BEGIN EXECUTE (SELECT format('COMMENT ON LARGE OBJECT %s IS %L', o, 'a comment') FROM fine WHERE id = "
          "4); END $$",
          "SELECT lo_unlink(o) FROM fine WHERE id = 5; DELETE FROM fine WHERE id = 5",
          "SELECT lo_truncate(lo_open(o, 131072), 2) FROM fine WHERE id = 6",
          "INSERT INTO fine SELECT 100, lo_from_bytea(0, decode(repeat('00ff5c0a', 200000), 'hex'))",
          "SELECT lo_create(424242); INSERT INTO fine VALUES (101, 424242)",
          "DO $$ BEGIN EXECUTE (SELECT format('GRANT SELECT ON LARGE OBJECT %s TO PUBLIC', o) FROM fine WHERE id = 7); "
          "END $$",
          "SELECT lo_unlink(o) FROM fine",
      }) {
    SCOPED_TRACE(change);
    Exec(change);
    if (PullIsCorrect(Copy::kAllowed)) NothingNewIsPulled();
    rotv.ExpectSeedIsDump({.import = Import::kEmpty});
  }
  Exec("SELECT lo_from_bytea(0, 'before the baseline')");
  rotv.MustSync({"baseline", "--force"});
  rotv.ExpectSeedIsDump();
  NothingNewIsPulled();
}

}  // namespace
}  // namespace rotv::testing
