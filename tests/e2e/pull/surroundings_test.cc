// Other users of a source: other subscribers and publishers, event triggers, row security, partitions by the hash of an
// enum.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class SurroundingsTest : public FollowTest {
 protected:
  SurroundingsTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE no_key (id int);"
        "INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n; INSERT INTO no_key VALUES (1)");
  }
};

// Values of an enum have other hashes in the database that imports a dump: pg_dump lets such rows find their partition
// again.
TEST_F(SurroundingsTest, PartitionsByTheHashOfAnEnumAreWrittenLikeADump) {
  Exec(
      "CREATE TYPE mood AS ENUM ('good', 'so so', 'bad', 'none'); CREATE TABLE by_mood (mood mood, id int, v text,"
      "PRIMARY KEY (id, mood)) PARTITION BY HASH (mood);"
      "CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE by_mood_1 (v text, id int NOT NULL, mood mood NOT NULL, PRIMARY KEY (id, mood));"
      "ALTER TABLE by_mood ATTACH PARTITION by_mood_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO by_mood SELECT m, n, 'v' FROM unnest(enum_range(NULL::mood)) m, generate_series(1, 20) n");
  BaselineIsDump({.import = Import::kNone});
  Exec("UPDATE by_mood SET mood = 'bad', id = -id WHERE mood = 'good' AND id < 5; DELETE FROM by_mood WHERE id = 20");
  PullIsDump();
  // After the import the rows are in other partitions: a dump of that database differs from the seed.
  rotv.server().CreateDatabase("again");
  const Result psql = rotv.server().Psql(rotv.Seed(), {"again", "postgres"});
  ASSERT_TRUE(psql.ok()) << psql.err;
  EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM by_mood", {"again", "postgres"}), "76");
  // A partition one level deeper, and a table that is no partition any more.
  Exec(
      "CREATE TABLE deep (mood mood, n int) PARTITION BY LIST (n); CREATE TABLE deep_1 PARTITION OF deep FOR VALUES IN "
      "(1) PARTITION BY HASH (mood); CREATE TABLE deep_1_0 PARTITION OF deep_1 FOR VALUES WITH (MODULUS 1, REMAINDER "
      "0); CREATE TABLE deep_2 PARTITION OF deep FOR VALUES IN (2); INSERT INTO deep VALUES ('good', 1), ('bad', 2)");
  PullIsDump();
  Exec("ALTER TABLE by_mood DETACH PARTITION by_mood_1; INSERT INTO deep VALUES ('none', 1)");
  PullIsDump({.import = Import::kNone});  // In another database, some rows have no partition.
}

// The source itself subscribes to another database: each of those changes names its origin.
TEST_F(SurroundingsTest, ReplicatedChangesAreFollowed) {
  ExecAsSuperuser(
      "CREATE SUBSCRIPTION from_elsewhere CONNECTION 'host=nowhere.example' PUBLICATION p WITH (connect = false);"
      "SELECT pg_replication_origin_create('elsewhere')");
  BaselineIsDump();
  Connection apply = rotv.server().NewConnection(kSuperuser);
  apply.Exec("SELECT pg_replication_origin_session_setup('elsewhere'); SET session_replication_role = replica");
  apply.Exec(
      "BEGIN; SELECT pg_replication_origin_xact_setup('0/12345', now()); UPDATE t SET v = 'theirs' WHERE id < 10;"
      "INSERT INTO t VALUES (101, 'theirs'); DELETE FROM t WHERE id = 50; COMMIT");
  apply.Exec("TRUNCATE no_key; INSERT INTO t VALUES (102)");
  Exec("SELECT pg_logical_emit_message(true, 'somebody', 'text'), pg_logical_emit_message(false, 'somebody', 'text')");
  PullIsDump();
}

TEST_F(SurroundingsTest, PublicationsAndSlotsOfOthersAreLeftAlone) {
  ExecAsSuperuser(
      "CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert'); CREATE PUBLICATION few FOR TABLE t "
      "(id) WHERE (id < 10)");
  ExecAsSuperuser("SELECT pg_create_logical_replication_slot('theirs', 'test_decoding')");
  ExecAsSuperuser("SELECT pg_create_physical_replication_slot('a_standby')");
  BaselineIsDump();
  Exec("UPDATE t SET v = 'changed'; ALTER TABLE t ADD c int DEFAULT 7; INSERT INTO no_key VALUES (2)");
  PullIsDump();
  ExecAsSuperuser("ALTER PUBLICATION few RENAME TO fewer; DROP PUBLICATION everything");
  Exec("UPDATE t SET c = 8");
  PullIsDump();
  rotv.MustSync({"detach"});
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::ElementsAre("publication fewer", "slot a_standby", "slot theirs"));
}

// The trigger sees how our publication is created and altered, and may write about it.
TEST_F(SurroundingsTest, EventTriggersThatRecordOurDdlAreHarmless) {
  ExecAsSuperuser(
      "CREATE TABLE notes (id serial PRIMARY KEY, tag text); GRANT ALL ON notes, notes_id_seq TO rotv; ALTER TABLE "
      "notes OWNER TO rotv; CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "
      "public.notes (tag) VALUES (tg_tag); END $$; CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION "
      "note()");
  BaselineIsDump();
  Exec("ALTER TABLE t ADD c int DEFAULT 7; CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  PullIsDump();
  EXPECT_EQ(rotv.server().Value("SELECT string_agg(DISTINCT tag, ',' ORDER BY tag) FROM notes WHERE tag ~ 'PUBLI'"),
            "ALTER PUBLICATION,CREATE PUBLICATION");
}

TEST_F(SurroundingsTest, AnEventTriggerThatForbidsOurPublicationIsReported) {
  ExecAsSuperuser(
      "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'schema changes only through "
      "migrations'; END $$; CREATE EVENT TRIGGER forbid ON ddl_command_start EXECUTE FUNCTION forbid()");
  ExpectError(rotv.Sync({"baseline"}), {kRefused, "schema changes only through migrations", "pg_event_trigger"});
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
  ExecAsSuperuser("ALTER EVENT TRIGGER forbid DISABLE");
  BaselineIsDump({.import = Import::kNone});
  const std::string seed = ReadFile(rotv.Seed());
  Exec("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  ExecAsSuperuser("ALTER EVENT TRIGGER forbid ENABLE");
  ExpectError(rotv.Sync({"pull"}), {kRefused, "schema changes only through migrations", "pg_event_trigger"});
  EXPECT_EQ(ReadFile(rotv.Seed()), seed);
  ExecAsSuperuser("DROP EVENT TRIGGER forbid");
  PullIsDump();
}

// Its owner sees all rows, unless the table is set to FORCE ROW LEVEL SECURITY.
TEST_F(SurroundingsTest, RowSecurityThatIsForcedOnTheOwnerIsRefused) {
  ExecAsSuperuser("ALTER ROLE rotv NOBYPASSRLS");
  Exec("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id < 50)");
  BaselineIsDump();
  Exec("ALTER TABLE t FORCE ROW LEVEL SECURITY");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"pull"}, {"baseline", "--force"}, {"doctor"}}) {
    const Result result = rotv.Sync(command);
    EXPECT_EQ(result.exit_status, kRefused) << command[0] << result.out << result.err;
    EXPECT_THAT(result.out + result.err, HasSubstr("BYPASSRLS")) << command[0];
  }
  Exec("ALTER TABLE t NO FORCE ROW LEVEL SECURITY; UPDATE t SET v = 'changed'");
  PullIsDump();
}

// Settings of role and database that change how statements behave.
TEST_F(SurroundingsTest, ARoleWithSerializableTransactionsIsFollowed) {
  ExecAsSuperuser(
      "ALTER ROLE rotv SET default_transaction_isolation = 'serializable'; ALTER ROLE rotv SET "
      "default_transaction_deferrable = on; ALTER ROLE rotv SET default_transaction_read_only = on; ALTER DATABASE "
      "rotv SET session_replication_role = replica; ALTER DATABASE rotv SET lock_timeout = 1; ALTER DATABASE rotv SET "
      "transform_null_equals = on; ALTER DATABASE rotv SET array_nulls = off");
  BaselineIsDump();
  Exec("UPDATE t SET v = 'changed'; INSERT INTO no_key VALUES (2)");
  PullIsDump();
  Exec("ALTER TABLE t ADD c int DEFAULT 7; UPDATE t SET v = NULL");
  PullIsDump();
}

}  // namespace
}  // namespace rotv::testing
