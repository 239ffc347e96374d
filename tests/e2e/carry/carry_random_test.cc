// Random carries: databases that hold some point of a history with random changes are carried from point to point, as
// often as a warm cluster never would be, and are held against the seed after each carry. A failure names the number
// that makes the same changes and carries again (ROTV_RANDOM_SEED).

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

#include "fmt/format.h"
#include "tests/e2e/carry/carry_fixture.h"
#include "tests/support/random/dice.h"
#include "tests/support/random/row_changes.h"

namespace rotv::testing {
namespace {

using Clock = std::chrono::steady_clock;

// Tables of every kind that is followed in its own way, with everything that could fire or fail while rows are written.
constexpr const char* kSchema = R"sql(
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.notes (what) VALUES (TG_TABLE_NAME || TG_OP); RETURN NULL; END $$;
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE TYPE state AS ENUM ('new', 'it''s "ok"', 'back\slash');
CREATE TABLE places (id int PRIMARY KEY, name text UNIQUE, up int REFERENCES places ON DELETE CASCADE);
CREATE TABLE items (id serial PRIMARY KEY, place int REFERENCES places ON DELETE CASCADE ON UPDATE CASCADE,
  slot int UNIQUE, v text, s state, twice int GENERATED ALWAYS AS (slot * 2) STORED, during int4range, at timestamptz,
  EXCLUDE USING gist (during WITH &&));
CREATE INDEX ON items (lower(v)) WHERE slot > 3;
CREATE TRIGGER always AFTER INSERT OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE items ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER replica AFTER INSERT OR DELETE ON places FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE places ENABLE REPLICA TRIGGER replica;
CREATE TABLE "Odd ""T"" \" ("k ey" text, n numeric(10, 2), "v\" bytea, PRIMARY KEY (n, "k ey"));
CREATE TABLE bag (v text, n int); ALTER TABLE bag REPLICA IDENTITY FULL;
CREATE TABLE keyless (v text);
CREATE UNLOGGED TABLE quick (id int PRIMARY KEY, v text);
CREATE TABLE later (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
CREATE TABLE events (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2026-02-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
CREATE TABLE heir (more int, PRIMARY KEY (id)) INHERITS (quick);
ALTER TABLE places ENABLE ROW LEVEL SECURITY; ALTER TABLE places FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON places USING (false);
CREATE RULE ruled AS ON DELETE TO "Odd ""T"" \" DO ALSO INSERT INTO notes (what) VALUES ('ruled');
ALTER TABLE "Odd ""T"" \" ENABLE ALWAYS RULE ruled;
CREATE SEQUENCE counter INCREMENT 7;
CREATE VIEW sums_now AS SELECT s, count(*) AS n, sum(slot) AS slots FROM items GROUP BY s;
CREATE MATERIALIZED VIEW sums AS SELECT * FROM sums_now;
INSERT INTO places SELECT n, 'place ' || n, NULLIF(n - 1, 0) FROM generate_series(1, 12) n;
INSERT INTO items (place, slot, v, s, during) SELECT 1 + n % 12, n, 'item ' || n, (enum_range(NULL::state))[1 + n % 3],
  int4range(10 * n, 10 * n + 5) FROM generate_series(1, 60) n;
INSERT INTO "Odd ""T"" \" SELECT E'k\t\\' || n, n / 3.0, decode('005c0a', 'hex') FROM generate_series(1, 20) n;
INSERT INTO bag SELECT 'line ' || n % 4, n % 2 FROM generate_series(1, 20) n;
INSERT INTO keyless VALUES ('a'), ('a'), (NULL); INSERT INTO quick VALUES (1, 'a'), (2, 'b');
INSERT INTO heir VALUES (1, 'h', 1);
INSERT INTO later VALUES (1, 'a'), (2, 'b');
INSERT INTO events SELECT n, '2026-01-20'::date + n, 'e' FROM generate_series(1, 24) n;
SELECT lo_from_bytea(7001, 'first'), lo_from_bytea(7002, decode(repeat('00ff5c27', 5000), 'hex'));
)sql";

// Changes of rows that are streamed: {0} and {1} are small numbers.
constexpr const char* kStreamed[] = {
    "BEGIN; UPDATE items SET slot = -1 WHERE slot = {0}; UPDATE items SET slot = {0} WHERE slot = {1}; UPDATE items "
    "SET slot "
    "= {1} WHERE slot = -1; COMMIT",
    "UPDATE items SET id = id + 1000 WHERE id % 9 = {0}",
    "BEGIN; UPDATE items SET during = NULL WHERE slot = {0}; UPDATE items SET during = int4range(10 * {0}, 10 * {0} + "
    "5) WHERE "
    "slot = {1} + 20; COMMIT",
    "DELETE FROM places WHERE id = {0} + 3",
    "UPDATE places SET id = id + 100 WHERE id = {0}",
    "INSERT INTO places SELECT 1000 + n, 'new ' || n || clock_timestamp(), n FROM places p, generate_series(1, {0}) n "
    "WHERE p.id "
    "= n ON CONFLICT DO NOTHING",
    "UPDATE \"Odd \"\"T\"\" \\\" SET \"k ey\" = \"k ey\" || E'\\n' WHERE n > {0}",
    "DELETE FROM \"Odd \"\"T\"\" \\\" WHERE n BETWEEN {0} AND {0} + 1",
    "DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE v = 'line {0}' LIMIT 3)",
    "INSERT INTO bag SELECT 'line {0}', NULL FROM generate_series(0, {1})",
    "UPDATE events SET at = at + {0} * 3 - 12",
    "DELETE FROM events WHERE id % 5 = {0}; INSERT INTO events VALUES (100 + {1}, '2026-02-0' || 1 + {0}, NULL) ON "
    "CONFLICT DO "
    "NOTHING",
    "UPDATE items SET v = repeat(md5('{0}'), 200), at = now() WHERE slot % 10 = {1}",
    "SELECT nextval('counter'), setval('items_id_seq', 5000 + {0}, {1} > 4)",
    "TRUNCATE \"Odd \"\"T\"\" \\\"; INSERT INTO \"Odd \"\"T\"\" \\\" SELECT E'k\\t\\\\' || n, n / 3.0, NULL FROM "
    "generate_series({0}, 15) "
    "n",
    "TRUNCATE bag",
};
// Those of rows that are not.
constexpr const char* kUnstreamed[] = {
    "INSERT INTO keyless VALUES ('k{0}'), (NULL)",
    "DELETE FROM keyless",
    "UPDATE quick SET v = v || '{0}'; INSERT INTO quick SELECT coalesce(max(id), 0) + 1, '{1}' FROM ONLY quick",
    "INSERT INTO heir SELECT coalesce(max(id), 0) + 1, 'h{0}' FROM heir",
    "UPDATE later SET id = id + {0}, v = 'l{1}'",
    "SELECT lo_put(7002, {0} * 1000, 'changed')",
    "SELECT lo_from_bytea(0, 'another {0}')",
    "SELECT lo_unlink(max(oid)) FROM pg_largeobject_metadata WHERE oid <> 7002",
};

// Migrations; {0} is a small number, {1} one that no other migration has.
constexpr const char* kMigrations[] = {
    "ALTER TABLE items ADD COLUMN c{1} int NOT NULL DEFAULT {0}; CREATE INDEX ON items (c{1}, v); UPDATE items SET "
    "c{1} "
    "= 100 WHERE slot % 10 = {0}",
    "ALTER TABLE places ADD COLUMN c{1} text; COMMENT ON COLUMN places.c{1} IS 'it''s {1}'; UPDATE places SET c{1} = "
    "'n' WHERE id % 5 = {0}",
    "CREATE TABLE made{1} (id bigserial PRIMARY KEY, place int, s state, v text COLLATE \"C\" DEFAULT 'it''s \\'); "
    "CREATE VIEW sight{1} AS SELECT m.v, i.slot FROM made{1} m JOIN items i ON i.s = m.s; INSERT INTO made{1} (place, "
    "s) "
    "SELECT place, s FROM items; ALTER TABLE made{1} ADD FOREIGN KEY (place) REFERENCES places ON DELETE CASCADE ON "
    "UPDATE CASCADE",
    "ALTER TABLE places RENAME up TO up{1}; ALTER TABLE places ALTER name SET DEFAULT 'place {0}'",
    "ALTER TABLE bag ADD COLUMN c{1} int DEFAULT {0}; ALTER TABLE \"Odd \"\"T\"\" \\\" ADD CHECK (n IS DISTINCT FROM "
    "{1} + 0.5)",
    "CREATE OR REPLACE VIEW sums_now AS SELECT s, count(*) AS n, sum(slot + {0}) AS slots FROM items GROUP BY s; "
    "REFRESH MATERIALIZED VIEW sums; CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
    "RETURN "
    "NULL; END -- {1}'",
    "ALTER TABLE items DROP COLUMN v; ALTER TABLE items ADD COLUMN v text DEFAULT '{1}'; UPDATE items SET v = 'v' || "
    "slot WHERE slot % 3 = 0",
    "ALTER TYPE state ADD VALUE 'state {1}' BEFORE 'new'",
    "ALTER TABLE events DETACH PARTITION events_new; ALTER TABLE events ATTACH PARTITION events_new FOR VALUES FROM "
    "('2026-02-01') TO ('2026-02-1{0}'); CREATE TABLE events_{1} PARTITION OF events FOR VALUES FROM ('2026-02-1{0}') "
    "TO "
    "(MAXVALUE); CREATE INDEX ON events (v)",
    "ALTER TABLE later ALTER v TYPE varchar(99), ADD UNIQUE (v, id); CREATE STATISTICS stat{1} ON id, v FROM later",
};

// A known number outside of a soak: a plan of a migration that fails is an import and no wrong database, so what a new
// number finds is to be looked at, and no reason to stop a change of something else.
uint64_t SeedOfRun() {
  constexpr uint64_t kKnown = 1736539383;
  if (const char* given = std::getenv("ROTV_RANDOM_SEED")) return std::strtoull(given, nullptr, 10);
  const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return test.starts_with("Soak") ? std::random_device()() : kKnown;
}

class CarryRandomTest : public CarryTest {
 protected:
  CarryRandomTest() : dice_(seed_) { Exec(kSchema); }

  // Changes rows, and takes the present state as a point: one that was pulled, or, as far as everything that has
  // changed since is streamed, one between two pulls.
  void AddPoint(bool between_pulls) {
    RowChanges changes(*sql, seed_ + points_.size());
    for (int i = 3 + dice_.Below(4); i > 0; --i) Change(kStreamed);
    if (between_pulls) {
      const std::string lsn = rotv.server().Value("SELECT pg_current_wal_insert_lsn()");
      for (int i = 3; i > 0; --i) Change(kStreamed);
      rotv.MustSync({"pull"});
      Note(PointAt(lsn));
    } else {
      for (int i = 1 + dice_.Below(2); i > 0; --i) Change(kUnstreamed);
      changes.Make(10);
      Note(Pull());
    }
  }

  // Changes the schema, and takes the state as a point. The next one may have the same schema.
  void AddMigration() {
    const int last = static_cast<int>(std::size(kMigrations));
    for (int i = 1 + dice_.Below(2); i > 0; --i) {
      try {
        ++migrations_;
        const char* migration = kMigrations[(first_migration_ + migrations_) % last];
        Exec("BEGIN;" + fmt::format(fmt::runtime(migration), 1 + dice_.Below(8), migrations_) + "; COMMIT");
      } catch (const std::runtime_error&) {  // Something that it needs is gone.
        Exec("ROLLBACK");
      }
    }
    AddPoint(false);
  }

  template <size_t N>
  void Change(const char* const (&changes)[N]) {
    const char* change = changes[dice_.Below(static_cast<int>(N))];
    const std::string statement = fmt::format(fmt::runtime(change), dice_.Below(9), dice_.Below(9));
    try {
      Exec(statement);
    } catch (const std::runtime_error&) {  // A constraint refuses it.
      Exec("ROLLBACK");
    }
  }

  void Note(CarryPoint point) {
    points_.push_back(std::move(point));
    schemas_.push_back(migrations_);
  }

  // Most carries stay within a schema: across migrations one takes three times as long.
  size_t NextPoint(size_t at) {
    size_t to = 0;
    for (int tries = 4; tries > 0; --tries) {
      to = static_cast<size_t>(dice_.Below(static_cast<int>(points_.size())));
      if (schemas_[to] == schemas_[at]) break;
    }
    return to;
  }

  void ImportPoint(const std::string& database, size_t point) {
    Import(database, points_[point]);
    holds_[database] = point;
  }

  // Carries the database to random points.
  void Walk(const std::string& database, int carries) {
    size_t& at = holds_.at(database);
    Connection views = target.NewConnection({database, "rotv"});  // A dump does not have their rows.
    for (int i = 0; i < carries && !HasFailure(); ++i) {
      const size_t to = NextPoint(at);
      SCOPED_TRACE(fmt::format("seed {}, carry {} of {}, from point {} to {}", seed_, i, database, at, to));
      ++carries_;
      if (Carry(database, points_[at], points_[to]).migrated) ++migrated_;
      EXPECT_TRUE(Holds(database, points_[to]));
      EXPECT_EQ(
          target.Value("SELECT count(*) FROM ((TABLE sums EXCEPT TABLE sums_now) UNION ALL (TABLE sums_now EXCEPT "
                       "TABLE sums)) d",
                       {database, "rotv"}),
          "0");
      at = to;
    }
  }

  const uint64_t seed_ = SeedOfRun();
  Dice dice_;
  const int first_migration_ = dice_.Below(1000);
  int migrations_ = 0;
  int carries_ = 0;
  int migrated_ = 0;  // Carries across migrations.
  std::vector<CarryPoint> points_;
  std::vector<int> schemas_;             // How many migrations were made before each of them.
  std::map<std::string, size_t> holds_;  // The point that each database has.
};

// Labels: slow
TEST_F(CarryRandomTest, AfterEachOf300CarriesTheDumpIsTheSeed) {
  Note(Baseline());
  while (points_.size() < 10) {
    if (points_.size() % 3 == 0) AddMigration();
    AddPoint(points_.size() % 3 == 1);
  }
  ImportPoint("first", 0);
  ImportPoint("last", points_.size() - 1);
  Walk("first", 150);
  Walk("last", 150);
  EXPECT_GT(migrated_, 20);
}

TEST_F(CarryRandomTest, SoakOfCarries) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = Clock::now() + std::chrono::minutes(minutes != nullptr ? std::atoi(minutes) : 1);
  Note(Baseline());
  ImportPoint("first", 0);
  while (Clock::now() < end && !HasFailure()) {
    if (dice_.OneIn(3)) {
      AddMigration();
    } else {
      AddPoint(dice_.OneIn(2));
    }
    Walk("first", 10);
  }
  std::cout << fmt::format("{} carries, {} of them across migrations\n", carries_, migrated_);
}

}  // namespace
}  // namespace rotv::testing
