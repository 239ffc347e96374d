// Tables appear, disappear, and change their names, keys and schemas between two pulls.

#include <gtest/gtest.h>

#include "tests/e2e/ddl_fixture.h"

namespace rotv::testing {
namespace {

// Changes of a table (id int, v text, big text): rows are inserted, updated with an unchanged large value, moved to
// another key, deleted.
std::string Changed(const std::string& table) {
  const std::string from = " FROM " + table;
  return "INSERT INTO " + table + " (id, v, big) SELECT coalesce(max(id), 0) + 1, 'new', repeat('b', 9000)" + from +
         "; INSERT INTO " + table + " (id, v, big) SELECT max(id) + 1, 'newer', repeat('c', 9000)" + from +
         "; UPDATE " + table + " SET v = v || '+' WHERE id % 3 = 0; UPDATE " + table +
         " SET id = -id WHERE id = (SELECT min(id)" + from + " WHERE id > 0); DELETE" + from +
         " WHERE id = (SELECT max(id) - 1" + from + ");";
}

// Like Changed(), for a table whose updates and deletes the server refuses as long as it is published without an
// identity.
std::string Inserted(const std::string& table) {
  return "INSERT INTO " + table + " (id, v) SELECT max(id) + 1, 'new' FROM " + table;
}

std::string Table(const std::string& name, const std::string& key = "int PRIMARY KEY") {
  return "CREATE TABLE " + name + " (id " + key + ", v text, big text); ALTER TABLE " + name +
         " ALTER big SET STORAGE EXTERNAL; INSERT INTO " + name +
         " SELECT n, 'row ' || n, CASE WHEN n < 20 THEN repeat(md5(n::text), 200) END FROM generate_series(1, 2000) n;";
}

class DdlTablesTest : public DdlTest {
 protected:
  DdlTablesTest() { Exec(Table("t") + Table("other") + "CREATE SCHEMA place; CREATE SCHEMA \"Another place\""); }
};

// Labels: slow
TEST_F(DdlTablesTest, NewTablesAreFollowed) {
  rotv.MustSync({"baseline"});
  FollowAll({
      {"CREATE TABLE empty (id int PRIMARY KEY, v text, big text)", Copy::kAllowed, Changed("empty")},
      {Table("n1"), Copy::kAllowed, Changed("n1")},
      // The table's rows come from its own transaction, from one shared with other tables, and from later ones.
      {"BEGIN; UPDATE t SET v = 'before' WHERE id < 5;" + Table("n2") + Changed("n2") + Changed("t") + "COMMIT;" +
           Changed("n2"),
       Copy::kAllowed, Changed("n2") + Changed("t")},
      {"CREATE TABLE place.n3 AS SELECT * FROM t; ALTER TABLE place.n3 ADD PRIMARY KEY (id)", Copy::kAllowed,
       Changed("place.n3")},
      {Table("\"N 4.x\"") + "ALTER TABLE \"N 4.x\" REPLICA IDENTITY FULL", Copy::kAllowed, Changed("\"N 4.x\"")},
      {Table("bag", "int") + "ALTER TABLE bag REPLICA IDENTITY FULL", Copy::kAllowed, Changed("bag")},
      {Table("no_key", "int"), Copy::kAllowed, Changed("no_key")},
      {"CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone VALUES (1); DROP TABLE gone", Copy::kAllowed,
       Changed("t")},
      {"CREATE TABLE likewise (LIKE t INCLUDING ALL); INSERT INTO likewise SELECT * FROM t; SELECT * INTO into_it "
       "FROM t",
       Copy::kAllowed, Changed("likewise") + Changed("into_it")},
      {"CREATE TABLE with_serial (id serial PRIMARY KEY, v text, big text)", Copy::kAllowed,
       "INSERT INTO with_serial (v) VALUES ('a'), ('b')"},
  });
  // Rows of existing tables must stay unaffected.
  Exec(Table("last"));
  const std::vector<std::string> copied = PullCopies();
  EXPECT_TRUE(copied.empty() || copied == std::vector<std::string>{"public.last"}) << nlohmann::json(copied).dump();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// Labels: slow
TEST_F(DdlTablesTest, DroppedRenamedAndMovedTablesAreFollowed) {
  Exec(Table("bag", "int") + "ALTER TABLE bag REPLICA IDENTITY FULL");
  rotv.MustSync({"baseline"});
  FollowAll({
      {"ALTER TABLE t RENAME TO u", Copy::kNever, Changed("u")},
      {Changed("u") + "ALTER TABLE u RENAME TO t;" + Changed("t"), Copy::kNever, Changed("t")},
      {"ALTER TABLE bag RENAME TO sack; ALTER TABLE sack RENAME TO bag", Copy::kNever, Changed("bag")},
      {"ALTER TABLE t SET SCHEMA place", Copy::kNever, Changed("place.t")},
      {"ALTER TABLE bag SET SCHEMA \"Another place\"", Copy::kNever, Changed("\"Another place\".bag")},
      {"ALTER SCHEMA place RENAME TO spot", Copy::kNever, Changed("spot.t")},
      {"BEGIN; ALTER SCHEMA spot RENAME TO tmp; ALTER SCHEMA \"Another place\" RENAME TO spot; ALTER SCHEMA tmp RENAME "
       "TO \"Another place\"; COMMIT",
       Copy::kNever, Changed("spot.bag") + Changed("\"Another place\".t")},
      {"ALTER TABLE \"Another place\".t SET SCHEMA public", Copy::kNever, Changed("t")},
      {"BEGIN; ALTER TABLE t RENAME TO tmp; ALTER TABLE other RENAME TO t; ALTER TABLE tmp RENAME TO other; COMMIT",
       Copy::kNever, Changed("t") + Changed("other")},
      {Changed("other") + "DROP TABLE other", Copy::kNever, Changed("t")},
      {"DROP TABLE t;" + Table("t"), Copy::kAllowed, Changed("t")},
      {"BEGIN;" + Changed("t") + "DROP TABLE t; CREATE TABLE t (big text, v varchar, id bigint PRIMARY KEY);" +
           Changed("t") + "COMMIT",
       Copy::kAllowed, Changed("t")},
      // A repack tool changes a table in its own way: a copy takes over the table's name.
      {"BEGIN; CREATE TABLE next (LIKE t INCLUDING ALL); INSERT INTO next SELECT big, upper(v), id FROM t; DROP TABLE "
       "t; ALTER TABLE next RENAME TO t; COMMIT",
       Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t RENAME TO old;" + Table("t"), Copy::kAllowed, Changed("t") + Changed("old")},
      {"DROP SCHEMA spot CASCADE", Copy::kNever, Changed("old")},
      {"DROP TABLE t, old", Copy::kNever, "SELECT 1"},
  });
}

// Labels: slow
TEST_F(DdlTablesTest, ChangesOfKeysAndIdentitiesAreFollowed) {
  Exec("ALTER TABLE t ADD k bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL");
  rotv.MustSync({"baseline"});
  const std::string drop_key = "ALTER TABLE t DROP CONSTRAINT t_pkey;";
  FollowAll({
      {"ALTER INDEX t_pkey RENAME TO t_key; ALTER INDEX t_key RENAME TO t_pkey", Copy::kNever, Changed("t")},
      {drop_key + "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (k)", Copy::kAllowed, Changed("t")},
      {drop_key + "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (id, k)", Copy::kAllowed, Changed("t")},
      {drop_key + "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (k, id)", Copy::kAllowed, Changed("t")},
      {drop_key, Copy::kAllowed, Changed("t")},
      {Changed("t") + "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (k)", Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t REPLICA IDENTITY FULL", Copy::kAllowed, Changed("t")},
      {drop_key, Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED", Copy::kAllowed,
       Changed("t") + "UPDATE t SET id = 2001 - id WHERE id BETWEEN 900 AND 1101"},
      {"ALTER TABLE t REPLICA IDENTITY DEFAULT", Copy::kAllowed,
       Changed("t") + "UPDATE t SET id = 2001 - id WHERE id BETWEEN 900 AND 1101"},
      {drop_key + "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (id)", Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t REPLICA IDENTITY NOTHING;" + Inserted("t"), Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t REPLICA IDENTITY DEFAULT;" + Changed("t"), Copy::kAllowed, Changed("t")},
      {"CREATE UNIQUE INDEX t_k ON t (k); ALTER TABLE t REPLICA IDENTITY USING INDEX t_k", Copy::kAllowed,
       Changed("t")},
      {"DROP INDEX t_k;" + Inserted("t"), Copy::kAllowed, Changed("t")},
      {"CREATE UNIQUE INDEX t_k ON t (k); ALTER TABLE t REPLICA IDENTITY USING INDEX t_k", Copy::kAllowed,
       Changed("t")},
      {"CREATE UNIQUE INDEX t_l ON t (id, k); ALTER TABLE t REPLICA IDENTITY USING INDEX t_l; DROP INDEX t_k",
       Copy::kAllowed, Changed("t")},
      {"ALTER TABLE t REPLICA IDENTITY DEFAULT;" + drop_key + Inserted("t"), Copy::kAllowed, Changed("t")},
      // The key is the same, but it is in another table.
      {"ALTER TABLE other DROP CONSTRAINT other_pkey; ALTER TABLE other ADD CONSTRAINT other_pkey PRIMARY KEY (id)",
       Copy::kAllowed, Changed("other")},
  });
}

// While the index is missing, two rows may have one key; under identity FULL one of them can be deleted.
TEST_F(DdlTablesTest, ATemporarilyMissingIdentityIndexLosesNoRows) {
  const std::string by_index = "CREATE UNIQUE INDEX one ON two (k); ALTER TABLE two REPLICA IDENTITY USING INDEX one;";
  Exec("CREATE TABLE two (k int NOT NULL, v text);" + by_index + "INSERT INTO two VALUES (1, 'stays'), (2, 'goes')");
  rotv.MustSync({"baseline"});
  Follow(
      {"DROP INDEX one; ALTER TABLE two REPLICA IDENTITY FULL; INSERT INTO two VALUES (1, 'twin');"
       "DELETE FROM two WHERE v = 'twin';" +
           by_index,
       Copy::kAllowed, "DELETE FROM two WHERE k = 2; UPDATE two SET v = v || '+'"});
}

TEST_F(DdlTablesTest, IdentityIndexesThatBecomeKeysOrAreRecreatedAreFollowed) {
  Exec(
      "CREATE TABLE by (id int NOT NULL, k int NOT NULL, v text, big text); CREATE UNIQUE INDEX u ON by (id);"
      "CREATE UNIQUE INDEX w ON by (k) INCLUDE (v); ALTER TABLE by REPLICA IDENTITY USING INDEX u;"
      "INSERT INTO by SELECT n, 1000 - n, 'x' FROM generate_series(1, 100) n");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO by SELECT max(id) + 1, min(k) - 1, 'new', repeat('b', 9000) FROM by; UPDATE by SET v = v || '+' "
      "WHERE id % 3 = 0; UPDATE by SET id = -id, k = -k WHERE id = (SELECT min(id) FROM by WHERE id > 0); DELETE FROM "
      "by WHERE id = (SELECT max(id) - 1 FROM by)";
  FollowAll({
      {"REINDEX INDEX CONCURRENTLY u"},
      {"ALTER TABLE by ADD CONSTRAINT key PRIMARY KEY USING INDEX u", Copy::kAllowed},
      {"ALTER TABLE by REPLICA IDENTITY DEFAULT"},
      {"ALTER TABLE by REPLICA IDENTITY USING INDEX w", Copy::kAllowed},
      {"ALTER TABLE by DROP CONSTRAINT key"},
      {"CREATE UNIQUE INDEX again ON by (k); ALTER TABLE by REPLICA IDENTITY USING INDEX again; DROP INDEX w"},
  });
}

TEST_F(DdlTablesTest, TypedTablesChangeWithTheirType) {
  Exec("CREATE TYPE ty AS (id int, v text); CREATE TABLE of_type OF ty (PRIMARY KEY (id))");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO of_type (id) SELECT coalesce(max(id), 0) + n FROM of_type, generate_series(1, 3) n GROUP BY n;"
      "UPDATE of_type SET id = -id WHERE id = (SELECT max(id) FROM of_type)";
  FollowAll({
      {"ALTER TYPE ty ADD ATTRIBUTE z int CASCADE"},
      {"ALTER TYPE ty ALTER ATTRIBUTE z TYPE bigint CASCADE", Copy::kAllowed},
      {"ALTER TYPE ty RENAME ATTRIBUTE z TO zz CASCADE; UPDATE of_type SET zz = 6"},
      {"ALTER TYPE ty DROP ATTRIBUTE v CASCADE"},
      {"ALTER TABLE of_type NOT OF"},
  });
}

// Labels: slow
TEST_F(DdlTablesTest, ForeignChangesToThePublicationAreUndone) {
  rotv.MustSync({"baseline"});
  const std::string change =
      "ALTER PUBLICATION " + rotv.server().Value("SELECT quote_ident(pubname) FROM pg_publication");
  const std::string hidden = ";UPDATE t SET v = 'unseen' WHERE id < 9; DELETE FROM t WHERE id = 15;";
  usual_change = Changed("t") + Changed("other");
  FollowAll({
      {change + " SET (publish = 'insert')" + hidden, Copy::kAllowed},
      {change + " DROP TABLE t" + hidden, Copy::kAllowed},
      {change + " DROP TABLE t" + hidden + change + " ADD TABLE t", Copy::kAllowed},
      {change + " SET (publish_via_partition_root = true)" + hidden, Copy::kAllowed},
      {change + " SET TABLE t" + hidden, Copy::kAllowed},
  });
  if (PostgresServer::MajorVersion() < 15) return;  // Older versions have neither.
  FollowAll({
      {change + " SET TABLE t WHERE (id > 100), other" + hidden, Copy::kAllowed},
      {change + " SET TABLE t (id, big), other" + hidden, Copy::kAllowed},
  });
}

TEST_F(DdlTablesTest, TablesThatBecomeLoggedOrUnloggedAreFollowed) {
  Exec("CREATE UNLOGGED TABLE light (id int PRIMARY KEY, v text, big text); INSERT INTO light VALUES (1, 'a', 'b')");
  rotv.MustSync({"baseline"});
  usual_change = Changed("light");
  FollowAll({
      {Changed("light"), Copy::kAllowed},
      {"ALTER TABLE light SET LOGGED", Copy::kAllowed},
      {"TRUNCATE light; INSERT INTO light VALUES (3, 'c', 'd')", Copy::kNever},
      {"ALTER TABLE light RENAME v TO w; ALTER TABLE light RENAME w TO v", Copy::kNever},
      // A published table cannot become unlogged; one that is not published yet can.
      {Table("n") + "ALTER TABLE n SET UNLOGGED;", Copy::kAllowed, Changed("n")},
      {"TRUNCATE n", Copy::kAllowed, Changed("n")},
  });
}

TEST_F(DdlTablesTest, TruncatesAroundSchemaChangesAreFollowed) {
  Exec(
      "CREATE TABLE own (id serial PRIMARY KEY, v text, big text, g int GENERATED ALWAYS AS IDENTITY);"
      "INSERT INTO own (v) SELECT 'x' FROM generate_series(1, 50);"
      "CREATE TABLE child (id int PRIMARY KEY, v text, big text, own_id int REFERENCES own ON DELETE CASCADE);"
      "INSERT INTO child SELECT id, 'c', NULL, id FROM own");
  rotv.MustSync({"baseline"});
  const std::string change =
      "INSERT INTO own (v) VALUES ('a'), ('b'); UPDATE own SET v = 'c' WHERE id = (SELECT min(id) FROM own);"
      "INSERT INTO child SELECT coalesce(max(id), 0) + 1, 'd', NULL, (SELECT max(id) FROM own) FROM child";
  usual_change = change;
  FollowAll({
      {"TRUNCATE own RESTART IDENTITY CASCADE"},
      // A new file and a new column, without an older row: the table may have been rewritten.
      {change + ";ALTER TABLE own ADD c int DEFAULT 7; TRUNCATE own RESTART IDENTITY CASCADE;" + change,
       Copy::kAllowed},
      {"TRUNCATE own, child RESTART IDENTITY; ALTER TABLE own ADD d int DEFAULT 8, DROP c;" + change, Copy::kAllowed},
      {"BEGIN;" + change + ";TRUNCATE child; ALTER TABLE child RENAME v TO w; ALTER TABLE child RENAME w TO v;" +
           change + ";COMMIT",
       Copy::kAllowed},
      {"BEGIN; TRUNCATE own CASCADE; ALTER TABLE own ALTER d TYPE text; COMMIT", Copy::kAllowed},
      {"TRUNCATE child; DROP TABLE child; TRUNCATE own RESTART IDENTITY", Copy::kNever,
       "INSERT INTO own (v) VALUES ('a')"},
  });
}

// Labels: slow
TEST_F(DdlTablesTest, RewrittenTableFilesCauseNoResync) {
  Exec("CREATE INDEX t_v ON t (v)");
  rotv.MustSync({"baseline"});
  usual_change = Changed("t") + Changed("other");
  FollowAll({
      {"VACUUM FULL t"},
      {"CLUSTER t USING t_pkey"},
      {"CLUSTER t"},
      {"REINDEX TABLE t"},
      {"REINDEX DATABASE rotv"},
      {"VACUUM (FREEZE) t"},
      {"VACUUM FULL"},
      {"ALTER TABLE t SET WITHOUT CLUSTER"},
  });
  // The table is rewritten and changed before one pull.
  Exec(Changed("t"));
  Exec("VACUUM FULL t");
  Exec(Changed("t"));
  Exec("CLUSTER t USING t_v");
  Exec(Changed("t"));
  EXPECT_TRUE(PullIsCorrect(Copy::kNever));
}

}  // namespace
}  // namespace rotv::testing
