// Random carries: databases that hold some point of a history with random changes are carried from point to point, as
// often as a warm cluster never would be, and are held against the seed after each carry. A failure names the number
// that makes the same changes and carries again (ROTV_RANDOM_SEED).

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
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

uint64_t SeedOfRun() {
  if (const char* given = std::getenv("ROTV_RANDOM_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device()();
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
      points_.push_back(PointAt(lsn));
    } else {
      for (int i = 1 + dice_.Below(2); i > 0; --i) Change(kUnstreamed);
      changes.Make(10);
      points_.push_back(Pull());
    }
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

  void ImportPoint(const std::string& database, size_t point) {
    Import(database, points_[point]);
    holds_[database] = point;
  }

  // Carries the database to random points.
  void Walk(const std::string& database, int carries) {
    size_t& at = holds_.at(database);
    Connection views = target.NewConnection({database, "rotv"});  // A dump does not have their rows.
    for (int i = 0; i < carries && !HasFailure(); ++i) {
      const auto to = static_cast<size_t>(dice_.Below(static_cast<int>(points_.size())));
      SCOPED_TRACE(fmt::format("seed {}, carry {} of {}, from point {} to {}", seed_, i, database, at, to));
      Carry(database, points_[at], points_[to]);
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
  std::vector<CarryPoint> points_;
  std::map<std::string, size_t> holds_;  // The point that each database has.
};

// Labels: slow
TEST_F(CarryRandomTest, AfterEachOf300CarriesTheDumpIsTheSeed) {
  points_.push_back(Baseline());
  while (points_.size() < 10) AddPoint(points_.size() % 3 == 1);
  ImportPoint("first", 0);
  ImportPoint("last", points_.size() - 1);
  Walk("first", 150);
  Walk("last", 150);
}

TEST_F(CarryRandomTest, SoakOfCarries) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = Clock::now() + std::chrono::minutes(minutes != nullptr ? std::atoi(minutes) : 1);
  points_.push_back(Baseline());
  ImportPoint("first", 0);
  while (Clock::now() < end && !HasFailure()) {
    AddPoint(dice_.OneIn(2));
    Walk("first", 10);
  }
}

}  // namespace
}  // namespace rotv::testing
