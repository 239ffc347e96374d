// The main work with each PostgreSQL version available: the machine's own, and others next to it. The source, its
// pg_dump, the oracle's pg_dump and the server that imports the seed are all of the one version.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "sync/formats/dump_sections.h"
#include "tests/e2e/bank_load.h"
#include "tests/e2e/types_fixture.h"

namespace rotv::testing {
namespace {

std::string VersionName(const ::testing::TestParamInfo<int>& version) {
  return version.param == kOwnVersion ? "Own" : "PostgreSQL" + std::to_string(version.param);
}

const auto kVersions = ::testing::Values(kOwnVersion, 17, 18);
// 16 has the programs of 17 beside its server (postgres_versions.sh).
const auto kAllVersions = ::testing::Values(kOwnVersion, 16, 17, 18);

class VersionsTest : public FollowTest, public ::testing::WithParamInterface<int> {
 protected:
  explicit VersionsTest(Way way = Way::kSshSocket) : FollowTest(OptionsBy(way)) {}

  static RotvHomeOptions OptionsBy(Way way) {
    RotvHomeOptions options = FollowOptions({.version = GetParam()});
    options.way = way;
    return options;
  }
};

TEST_P(VersionsTest, EachKindOfChangeIsFollowed) {
  if (GetParam() != kOwnVersion) {
    EXPECT_EQ(PostgresServer::MajorVersion(GetParam()), GetParam());
  }
  const std::string large = "(SELECT string_agg(md5({} || '/' || piece), '') FROM generate_series(1, 600) piece)";
  const auto large_by = [&](const std::string& seed) { return fmt::format(fmt::runtime(large), seed); };
  Exec(
      "CREATE TABLE keyed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, words text);"
      "CREATE TABLE whole (id int PRIMARY KEY, words text); ALTER TABLE whole REPLICA IDENTITY FULL;"
      "CREATE TABLE bag (a int, words text); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "CREATE TABLE indexed (a int, k text NOT NULL); CREATE UNIQUE INDEX by_k ON indexed (k);"
      "ALTER TABLE indexed REPLICA IDENTITY USING INDEX by_k;"
      "CREATE TABLE part (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
      "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (100) TO (200);"
      "CREATE TABLE emptied (id serial PRIMARY KEY, r int REFERENCES keyed);"
      "CREATE TABLE computed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, v text);"
      "CREATE SEQUENCE apart INCREMENT 5 CACHE 3; CREATE VIEW seen AS SELECT name FROM keyed;"
      "CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM keyed");
  Exec(
      fmt::format("INSERT INTO keyed (name, words) SELECT 'n' || n, {} FROM generate_series(1, 20) n;"
                  "INSERT INTO whole SELECT n, {} FROM generate_series(1, 20) n;"
                  "INSERT INTO bag SELECT n / 4, {} FROM generate_series(1, 20) n;"
                  "INSERT INTO indexed SELECT n, 'k' || n FROM generate_series(1, 20) n;"
                  "INSERT INTO part SELECT n, 'v' FROM generate_series(0, 199, 10) n;"
                  "INSERT INTO emptied (r) SELECT n FROM generate_series(1, 20) n;"
                  "INSERT INTO computed (id) SELECT n FROM generate_series(1, 20) n",
                  large_by("n"), large_by("n"), large_by("n / 4")));
  BaselineIsDump({.import = Import::kEmpty});
  TransactionIsFollowed(
      "UPDATE keyed SET name = 'renamed' WHERE id < 9; UPDATE whole SET id = id + 100 WHERE id < 5;"
      "UPDATE bag SET a = a + 1 WHERE ctid IN (SELECT min(ctid) FROM bag GROUP BY a);"
      "UPDATE indexed SET k = 'new ' || k WHERE a % 3 = 0; UPDATE part SET id = 199 - id; DELETE FROM part WHERE id < "
      "30");
  TransactionIsFollowed(
      fmt::format("UPDATE keyed SET words = {} WHERE id % 2 = 0; DELETE FROM emptied WHERE id > 10; DELETE FROM keyed "
                  "WHERE id > 15; DELETE FROM bag WHERE a = 2; DELETE FROM whole WHERE id > 102;"
                  "UPDATE computed SET id = -id, v = 'x' WHERE id > 7",
                  large_by("id + 1000")));
  TransactionIsFollowed("INSERT INTO emptied (r) VALUES (1); TRUNCATE emptied; INSERT INTO emptied (r) VALUES (2)");
  TransactionIsFollowed("TRUNCATE keyed RESTART IDENTITY CASCADE; INSERT INTO keyed (name) VALUES ('first')");
  Exec("SELECT nextval('apart'); SELECT setval('emptied_id_seq', 77, false)");
  PullIsDump({.import = Import::kEmpty});
}

// A migration between two pulls is refused or followed, but never overlooked.
TEST_P(VersionsTest, AChangedSchemaIsNoticed) {
  Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  BaselineIsDump();
  Exec("ALTER TABLE t ADD COLUMN later int DEFAULT 7; UPDATE t SET id = 2");
  const Result pulled = rotv.Sync({"pull"});
  if (pulled.exit_status != 0) {
    EXPECT_EQ(pulled.exit_status, 8) << pulled.err;
    rotv.MustSync({"baseline", "--force"});
  }
  rotv.ExpectSeedIsDump();
}

TEST_P(VersionsTest, AllCommandsWork) {
  Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  rotv.MustSync({"doctor"});
  rotv.MustSync({"baseline"});
  rotv.MustSync({"status"});
  rotv.MustSync({"detach"});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
}

// transaction_timeout came with 17: the role's setting must not apply to our transactions.
TEST_P(VersionsTest, TimeLimitsOfTheRoleDoNotApply) {
  Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'v' FROM generate_series(1, 200000) n");
  for (const char* limit : {"statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"}) {
    const std::string known = fmt::format("SELECT count(*) FROM pg_settings WHERE name = '{}'", limit);
    if (sql->Value(known) == "1") ExecAsSuperuser(fmt::format("ALTER ROLE rotv SET {} = '20ms'", limit));
  }
  BaselineIsDump({.import = Import::kNone});
  Exec("UPDATE t SET v = 'w'");
  PullIsDump();
}

INSTANTIATE_TEST_SUITE_P(All, VersionsTest, kAllVersions, VersionName);

class VersionsDirectTest : public VersionsTest {
 protected:
  VersionsDirectTest() : VersionsTest(Way::kDirect) {}
};

TEST_P(VersionsDirectTest, AUrlIsFollowed) {
  Exec("CREATE TABLE t (id serial PRIMARY KEY, v text); INSERT INTO t (v) SELECT 'v' FROM generate_series(1, 500)");
  BaselineIsDump();
  TransactionIsFollowed("UPDATE t SET v = 'w' WHERE id < 9; DELETE FROM t WHERE id > 400");
}

INSTANTIATE_TEST_SUITE_P(All, VersionsDirectTest, kVersions, VersionName);

class VersionsTypesTest : public TypesTest, public ::testing::WithParamInterface<int> {
 protected:
  VersionsTypesTest() : TypesTest({.version = GetParam(), .settings = PostgresServer::HostileSettings()}) {}
};

TEST_P(VersionsTypesTest, EveryValueIsFollowedUnderSettingsThatPrintItDifferently) { EveryValueIsFollowed(); }

INSTANTIATE_TEST_SUITE_P(All, VersionsTypesTest, kAllVersions, VersionName);

class VersionsLoadTest : public VersionsTest {};

TEST_P(VersionsLoadTest, SeedsUnderLoadHaveWholeTransactions) {
  BankLoad load(rotv);
  load.Start();
  rotv.MustSync({"baseline"});
  int64_t transactions = ExpectWholeTransactions(ReadFile(rotv.Seed()));
  for (int i = 0; i < 3; ++i) {
    rotv.MustSync({"pull"});
    const int64_t now = ExpectWholeTransactions(ReadFile(rotv.Seed()));
    EXPECT_GT(now, transactions);
    transactions = now;
  }
  load.Stop();
  PullIsDump({.import = Import::kEmpty});
}

INSTANTIATE_TEST_SUITE_P(All, VersionsLoadTest, kVersions, VersionName);

// --- Features of some versions only.

class VersionsPostGisTest : public FollowTest {
 protected:
  VersionsPostGisTest() : FollowTest(FollowOptions({.version = 17})) {}
};

TEST_F(VersionsPostGisTest, GeometriesAreFollowed) {
  ExecAsSuperuser("CREATE EXTENSION postgis SCHEMA public");
  Exec(
      "CREATE TABLE place (id serial PRIMARY KEY, name text, at geometry(Point, 4326), round geography, any_of "
      "geometry);"
      "CREATE INDEX ON place USING gist (at);"
      "CREATE TABLE track (way geometry(LineStringZ)); ALTER TABLE track REPLICA IDENTITY FULL;"
      "INSERT INTO place (name, at, round) SELECT 'p' || n, ST_SetSRID(ST_MakePoint(n / 7.0, n / 11.0), 4326),"
      "  ST_MakePoint(n / 10.0, 45)::geography FROM generate_series(1, 300) n;"
      "INSERT INTO track VALUES ('LINESTRING Z (0 0 0.1, 1 1 2)'), (NULL)");
  BaselineIsDump();
  Exec(
      "UPDATE place SET at = ST_Translate(at, 0.1, 0.2) WHERE id % 3 = 0; DELETE FROM place WHERE id % 5 = 0;"
      "UPDATE place SET any_of = ST_Buffer(at, 0.5) WHERE id % 7 = 0;"
      "INSERT INTO place (any_of) VALUES ('GEOMETRYCOLLECTION (POINT EMPTY, POLYGON ((0 0, 0 1, 1 1, 0 0)))');"
      "UPDATE track SET way = ST_Force3D(ST_Reverse(way)); INSERT INTO track VALUES ('LINESTRING Z EMPTY')");
  PullIsDump();
  // A reference system that the database added: pg_dump writes these rows of the extension's table, and none of the
  // extension's own.
  ExecAsSuperuser(
      "INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)"
      "  SELECT 990001, 'valley', 1, srtext, proj4text FROM spatial_ref_sys WHERE srid = 4326");
  PullIsDump();
  ExecAsSuperuser("DELETE FROM spatial_ref_sys WHERE srid = 990001");
  PullIsDump();
}

// The layers of topologies reference them, by a key that CREATE EXTENSION makes before the rows come.
TEST_F(VersionsPostGisTest, TopologiesAreImported) {
  ExecAsSuperuser(
      "CREATE EXTENSION postgis SCHEMA public; CREATE EXTENSION postgis_topology;"
      "SELECT topology.createtopology('town', 4326); CREATE TABLE feat (id serial PRIMARY KEY);"
      "SELECT topology.addtopogeometrycolumn('town', 'public', 'feat', 'tg', 'POINT');"
      "INSERT INTO feat (tg) VALUES (topology.totopogeom('SRID=4326;POINT(5 5)'::geometry, 'town', 1));"
      "ALTER TABLE feat OWNER TO rotv; ALTER TABLE town.edge_data OWNER TO rotv; ALTER TABLE town.face OWNER TO rotv;"
      "ALTER TABLE town.node OWNER TO rotv; GRANT USAGE ON SCHEMA topology, town TO rotv;"
      "GRANT SELECT ON ALL TABLES IN SCHEMA public, topology, town TO rotv;"
      "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, topology, town TO rotv");
  BaselineIsDump({.import = Import::kEmpty});
}

class Versions18Test : public FollowTest {
 protected:
  Versions18Test() : FollowTest(FollowOptions({.version = 18})) {}
};

TEST_F(Versions18Test, NewFeaturesAreFollowed) {
  ExecAsSuperuser("CREATE EXTENSION btree_gist SCHEMA public");
  Exec(
      "CREATE TABLE computed (id int PRIMARY KEY, seen text GENERATED ALWAYS AS ('v' || v) VIRTUAL, v int,"
      "  kept int GENERATED ALWAYS AS (v + 1) STORED, CONSTRAINT checked CHECK (v > 0) NOT ENFORCED);"
      "CREATE TABLE booked (room int, during tstzrange, guest text, PRIMARY KEY (room, during WITHOUT OVERLAPS));"
      "CREATE TABLE marked (id uuid DEFAULT uuidv7() PRIMARY KEY, v int CONSTRAINT must NOT NULL);"
      "CREATE TABLE later (v int); INSERT INTO later VALUES (NULL);"
      "ALTER TABLE later ADD CONSTRAINT wanted NOT NULL v NOT VALID; ALTER TABLE later REPLICA IDENTITY FULL;"
      "INSERT INTO computed (id, v) SELECT n, n - 5 FROM generate_series(1, 20) n;"
      "INSERT INTO booked SELECT n % 3, tstzrange('2025-01-01'::timestamptz + n * interval '1 day',"
      "  '2025-01-02'::timestamptz + n * interval '1 day'), 'g' || n FROM generate_series(1, 20) n;"
      "INSERT INTO marked (v) SELECT generate_series(1, 20)");
  BaselineIsDump({.import = Import::kEmpty});
  TransactionIsFollowed(
      "UPDATE computed SET v = v * 2 WHERE id % 2 = 0; DELETE FROM computed WHERE id = 1;"
      "UPDATE booked SET guest = 'other' WHERE room = 1; DELETE FROM booked WHERE room = 2;"
      "UPDATE booked SET room = 7 WHERE guest = 'g3'; UPDATE marked SET v = -v WHERE v > 9; DELETE FROM marked WHERE v "
      "= 2;"
      "UPDATE later SET v = 1");
  PullIsDump({.import = Import::kEmpty});
}

// The pg_dump beside the server is a newer one, as where only the client was upgraded: it decides about the seed's
// form.
struct NewerDump {
  int server;
  int program;
};

class VersionsNewerDumpTest : public ::testing::TestWithParam<NewerDump> {
 protected:
  static RotvHomeOptions OptionsOf(const NewerDump& versions) {
    return {.binary = ROTV_SYNC_BINARY,
            .postgres = {.version = versions.server},
            .ssh = {.path_prefix = {PostgresServer::BinDirectory(versions.program)}}};
  }

  // Compares a seed with what the newer pg_dump writes, and imports it into a server of its version.
  void ExpectSeedIsTheNewerDump() {
    Command dump = rotv_.server().DumpCommand();
    dump.argv[0] = PostgresServer::BinDirectory(GetParam().program) / "pg_dump";
    const std::filesystem::path seed = rotv_.Seed();
    EXPECT_EQ(formats::CanonicalDump(ReadFile(seed)), formats::CanonicalDump(MustRun(dump).out));
    // Debian's pg_dump 18 writes a column option of later releases of 17 (pg_attver) that no server accepts.
    if (ReadFile(seed).find("SET (pg_attver=") != std::string::npos) return;
    scratch_.DropDatabase("import");
    scratch_.CreateDatabase("import");
    const Result imported = scratch_.Psql(seed, {"import", "postgres"});
    EXPECT_TRUE(imported.ok()) << imported.err;
    const char* contents = "SELECT string_agg(id || encode(lo_get(file), 'hex'), ' ' ORDER BY id) FROM t";
    EXPECT_EQ(scratch_.Value(contents, {"import", "postgres"}), rotv_.server().Value(contents, kSuperuser));
  }

  RotvHome rotv_{OptionsOf(GetParam())};
  PostgresServer scratch_{{.version = GetParam().program}};
};

TEST_P(VersionsNewerDumpTest, LargeObjectsAreFollowed) {
  PostgresServer& server = rotv_.server();
  server.Exec("CREATE TABLE t (id int PRIMARY KEY, file oid); INSERT INTO t VALUES (1, lo_from_bytea(4711, 'hello'))");
  rotv_.MustSync({"baseline"});
  ExpectSeedIsTheNewerDump();
  server.Exec("INSERT INTO t SELECT n, lo_from_bytea(0, decode(md5(n::text), 'hex')) FROM generate_series(2, 9) n");
  rotv_.MustSync({"pull"});
  ExpectSeedIsTheNewerDump();
  server.Exec("ALTER TABLE t ADD more text; UPDATE t SET more = 'x' WHERE id = 3");
  rotv_.MustSync({"pull"});
  ExpectSeedIsTheNewerDump();
}

INSTANTIATE_TEST_SUITE_P(Programs, VersionsNewerDumpTest,
                         ::testing::Values(NewerDump{kOwnVersion, 17}, NewerDump{kOwnVersion, 18}, NewerDump{16, 17},
                                           NewerDump{16, 18}, NewerDump{17, 18}),
                         [](const auto& versions) {
                           return fmt::format(
                               "Server{}PgDump{}",
                               versions.param.server == kOwnVersion ? "Own" : std::to_string(versions.param.server),
                               versions.param.program);
                         });

}  // namespace
}  // namespace rotv::testing
