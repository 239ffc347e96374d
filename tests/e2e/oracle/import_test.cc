// A seed can be imported into an empty database, and over an older import, also where pg_dump's own text cannot.

#include <gtest/gtest.h>

#include "sync/formats/dump_sections.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ImportTest = FollowTest;

TEST_F(ImportTest, EachPartThatNamesMissingObjectsIsImported) {
  ExecAsSuperuser("CREATE ACCESS METHOD own TYPE INDEX HANDLER bthandler");
  Exec(R"(
    CREATE SCHEMA app; CREATE TYPE app.status AS ENUM ('open', 'paid');
    CREATE TABLE app.orders (id int PRIMARY KEY, s app.status);
    CREATE TABLE app.items (id int PRIMARY KEY, o int REFERENCES app.orders);
    CREATE VIEW app.totals AS SELECT o.id, o.s, count(i.id) AS n FROM app.orders o
      LEFT JOIN app.items i ON i.o = o.id GROUP BY o.id;
    CREATE DOMAIN app.amount AS int; CREATE TABLE app.sums (id int PRIMARY KEY, a app.amount);
    CREATE TABLE app.events (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE TABLE app.events_new PARTITION OF app.events DEFAULT;
    CREATE VIEW app.days AS SELECT id, at, count(*) FROM app.events GROUP BY id, at;
    INSERT INTO app.orders VALUES (1, 'open'); INSERT INTO app.items VALUES (1, 1); INSERT INTO app.sums VALUES (1, -1);
    INSERT INTO app.events VALUES (1, '2019-01-01'), (2, '2021-01-01');
    ALTER DOMAIN app.amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID)");
  ExecAsSuperuser(
      "CREATE OPERATOR CLASS app.ops FOR TYPE int USING own AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int);"
      "SELECT lo_from_bytea(70001, 'a'); GRANT SELECT ON LARGE OBJECT 70001 TO PUBLIC");
  BaselineIsDump();
  Exec(R"(
    ALTER TABLE app.orders ADD COLUMN m app.amount; ALTER TABLE app.events DETACH PARTITION app.events_old;
    CREATE TABLE app.events_more PARTITION OF app.events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
    CREATE VIEW app.more AS SELECT id, m, count(*) FROM app.orders GROUP BY id;
    INSERT INTO app.orders VALUES (2, 'paid'))");
  PullIsDump({.import = Import::kEmptyAndOverOlder});
}

TEST_F(ImportTest, WithoutTheCleanPartItIsPgDumpsTextWithoutClean) {
  Exec(
      "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, v text); INSERT INTO app.t VALUES (1, 'a'), (2, 'b');"
      "CREATE VIEW app.v AS SELECT id, v, count(*) FROM app.t GROUP BY id; COMMENT ON SCHEMA public IS 'ours'");
  ExecAsSuperuser("SELECT lo_from_bytea(70001, 'a'); GRANT SELECT ON LARGE OBJECT 70001 TO PUBLIC");
  rotv.MustSync({"baseline"});
  Command dump = rotv.server().DumpCommand();
  std::erase(dump.argv, "--clean");
  std::erase(dump.argv, "--if-exists");
  const std::filesystem::path seed = rotv.Seed("seed.sql", {"--no-clean"});
  EXPECT_EQ(formats::CanonicalDump(ReadFile(seed)), formats::CanonicalDump(MustRun(dump).out));
  rotv.server().CreateDatabase("empty", "postgres");
  const Result psql = rotv.server().Psql(seed, {"empty", "postgres"}, {"--single-transaction"});
  EXPECT_TRUE(psql.ok()) << psql.err;
}

// CREATE EXTENSION would not make these tables, so this is about the order alone.
TEST_F(ImportTest, RowsOfExtensionsStandInTheOrderOfTheirKeys) {
  ExecAsSuperuser(
      "CREATE EXTENSION hstore; CREATE TABLE za_parent (id int PRIMARY KEY);"
      "CREATE TABLE aa_child (id int PRIMARY KEY, p int REFERENCES za_parent, own int REFERENCES aa_child);"
      "CREATE TABLE mm_grandchild (c int REFERENCES aa_child, p int REFERENCES za_parent); CREATE TABLE bb_alone (id "
      "int);"
      "CREATE TABLE a_users (p int REFERENCES za_parent); ALTER EXTENSION hstore ADD TABLE za_parent;"
      "ALTER EXTENSION hstore ADD TABLE aa_child; ALTER EXTENSION hstore ADD TABLE mm_grandchild;"
      "ALTER EXTENSION hstore ADD TABLE bb_alone; UPDATE pg_extension SET extcondition = ARRAY['', '', '', ''],"
      "  extconfig = ARRAY['za_parent'::regclass, 'aa_child'::regclass, 'mm_grandchild'::regclass, "
      "'bb_alone'::regclass]::oid[]"
      "  WHERE extname = 'hstore'; INSERT INTO za_parent VALUES (1); INSERT INTO aa_child VALUES (1, 1, 1);"
      "INSERT INTO mm_grandchild VALUES (1, 1); INSERT INTO a_users VALUES (1); GRANT SELECT ON ALL TABLES IN SCHEMA "
      "public TO rotv");
  BaselineIsDump({.import = Import::kNone});
  ExecAsSuperuser(
      "ALTER TABLE za_parent ADD COLUMN b int; CREATE UNIQUE INDEX ON bb_alone (id);"
      "ALTER TABLE za_parent ADD FOREIGN KEY (b) REFERENCES bb_alone (id)");
  PullIsDump({.import = Import::kNone});
}

class OwnExtensionTest : public FollowTest {
 protected:
  OwnExtensionTest() : FollowTest(FollowOptions({.version = 18, .settings = {{"extension_control_path", Path()}}})) {}

  // The extension's configuration table is before its parent by name, and their key is there before rows come.
  static std::string Path() {
    static const TempDir directory;
    std::filesystem::create_directories(directory / "extension");
    WriteFile(directory / "extension/rotv_towns.control",
              "default_version = '1'\nrelocatable = false\nschema = towns\n");
    WriteFile(directory / "extension/rotv_towns--1.sql",
              "CREATE TABLE topology (id int PRIMARY KEY); CREATE TABLE layer (t int NOT NULL REFERENCES topology);"
              "GRANT SELECT ON topology, layer TO PUBLIC; SELECT pg_extension_config_dump('topology', '');"
              "SELECT pg_extension_config_dump('layer', '')");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
      std::filesystem::permissions(entry, std::filesystem::perms::others_read | std::filesystem::perms::others_exec,
                                   std::filesystem::perm_options::add);
    }
    std::filesystem::permissions(directory.path(),
                                 std::filesystem::perms::others_read | std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    return directory.path().native() + ":$system";
  }
};

TEST_F(OwnExtensionTest, RowsOfExtensionsAreImported) {
  ExecAsSuperuser(
      "CREATE SCHEMA towns; CREATE EXTENSION rotv_towns; GRANT USAGE ON SCHEMA towns TO rotv;"
      "INSERT INTO towns.topology VALUES (1); INSERT INTO towns.layer VALUES (1)");
  BaselineIsDump({.import = Import::kNone});
  rotv.server().CreateDatabase("empty", "postgres");
  const Result psql = rotv.server().Psql(rotv.Seed(), {"empty", "postgres"}, {"--single-transaction"});
  EXPECT_TRUE(psql.ok()) << psql.err;
  EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM towns.layer", {"empty", "postgres"}), "1");
}

}  // namespace
}  // namespace rotv::testing
