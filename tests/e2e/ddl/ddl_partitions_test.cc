// Partitions and inheritance change between two pulls.

#include <gtest/gtest.h>

#include "tests/e2e/ddl_fixture.h"

namespace rotv::testing {
namespace {

using DdlPartitionsTest = DdlTest;

// Labels: slow
TEST_F(DdlPartitionsTest, CreatedAttachedDetachedAndDroppedPartitionsAreFollowed) {
  Exec(R"(
    CREATE TABLE m (id int, at int, v text, big text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE m_low PARTITION OF m FOR VALUES FROM (0) TO (1000);
    CREATE TABLE m_high PARTITION OF m FOR VALUES FROM (1000) TO (2000) PARTITION BY LIST (at);
    CREATE TABLE m_1000 PARTITION OF m_high FOR VALUES IN (1000);
    CREATE TABLE m_rest PARTITION OF m_high DEFAULT;
    INSERT INTO m SELECT n, n, 'row', repeat(md5(n::text), 100) FROM generate_series(0, 1999) n;
    CREATE TABLE loose (big text, at int NOT NULL, gone int, id int NOT NULL, v text, PRIMARY KEY (id, at));
    ALTER TABLE loose DROP gone; INSERT INTO loose (id, at, v) SELECT n, n, 'loose' FROM generate_series(2000, 2099) n)");
  rotv.MustSync({"baseline"});
  // Rows move between partitions both ways, with large values.
  usual_change = R"(
    INSERT INTO m SELECT max(id) + 1, 5, 'new', 'b' FROM m;
    UPDATE m SET at = 1500, v = v || '>' WHERE id = (SELECT min(id) FROM m WHERE at < 900);
    UPDATE m SET at = 1000 WHERE id = (SELECT min(id) FROM m WHERE at > 1600);
    UPDATE m SET at = 7, v = '<' WHERE id = (SELECT max(id) FROM m WHERE at = 1000);
    UPDATE m SET v = v || '.' WHERE id % 100 = 0; DELETE FROM m WHERE id = (SELECT min(id) FROM m WHERE at < 800))";
  FollowAll({
      {"CREATE TABLE m_more PARTITION OF m FOR VALUES FROM (5000) TO (6000); INSERT INTO m SELECT n, 5000, 'made' FROM "
       "generate_series(9000, 9100) n",
       Copy::kAllowed},
      {"ALTER TABLE m ATTACH PARTITION loose FOR VALUES FROM (2000) TO (3000)", Copy::kAllowed},
      {"UPDATE m SET at = 2001 WHERE at = 5; UPDATE m SET at = 6 WHERE at = 2050"},
      {"ALTER TABLE m DETACH PARTITION m_more"},
      {"ALTER TABLE m_more RENAME TO m_less; UPDATE m_less SET v = 'detached'"},
      {"ALTER TABLE m ADD c int DEFAULT 7", Copy::kAllowed},
      {"ALTER TABLE m RENAME v TO w; ALTER TABLE m RENAME w TO v"},
      {"ALTER TABLE m ALTER c TYPE bigint", Copy::kAllowed},
      {"ALTER TABLE m DROP c"},
      {"ALTER TABLE m DETACH PARTITION loose; ALTER TABLE m ATTACH PARTITION loose FOR VALUES FROM (2000) TO (4000)"},
      {"DROP TABLE m_1000; CREATE TABLE m_1000 PARTITION OF m_high FOR VALUES IN (1000)", Copy::kAllowed},
      {"BEGIN; ALTER TABLE m_high DETACH PARTITION m_rest; ALTER TABLE m_rest RENAME TO m_old; CREATE TABLE m_rest "
       "PARTITION OF m_high DEFAULT; INSERT INTO m SELECT * FROM m_old; DROP TABLE m_old; COMMIT",
       Copy::kAllowed},
      {"ALTER TABLE m_low REPLICA IDENTITY FULL", Copy::kAllowed},
      {"CREATE INDEX ON m (at); COMMENT ON TABLE m IS 'all of them'; ALTER TABLE m ADD CHECK (id >= -5)"},
      {"TRUNCATE m; INSERT INTO m VALUES (1, 1, 'a', 'b'), (2, 1000, 'c', 'd'), (3, 1500, 'e', NULL), (4, 2500, 'f', "
       "'g')"},
      {"TRUNCATE m_high"},
      {"DROP TABLE m_low; CREATE TABLE m_low (LIKE m INCLUDING ALL); INSERT INTO m_low VALUES (1, 5, 'x');"
       "ALTER TABLE m ATTACH PARTITION m_low FOR VALUES FROM (0) TO (1000)",
       Copy::kAllowed},
      {"DROP TABLE m", Copy::kNever, "SELECT 1"},
  });
}

TEST_F(DdlPartitionsTest, ConcurrentlyDetachedPartitionsAreFollowed) {
  Exec(
      "CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
      "CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (0) TO (1000);"
      "CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (1000) TO (2000);"
      "INSERT INTO m SELECT n, 'row' FROM generate_series(0, 1999) n");
  rotv.MustSync({"baseline"});
  usual_change = "UPDATE m SET v = v || '.' WHERE id % 50 = 0; UPDATE m_2 SET v = v || ':' WHERE id % 50 = 0";
  FollowAll({{"ALTER TABLE m DETACH PARTITION m_2 CONCURRENTLY"}});
}

TEST_F(DdlPartitionsTest, ATableThatBecomesPartitionedAndPlainAgainIsFollowed) {
  Exec(
      "CREATE TABLE m (id int PRIMARY KEY, v text, big text); INSERT INTO m SELECT n, 'row', repeat('b', 5000) FROM "
      "generate_series(0, 99) n");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO m SELECT max(id) + 1, 'new' FROM m; UPDATE m SET v = v || '.' WHERE id % 10 = 0;"
      "UPDATE m SET id = id * 1000 + 1500 WHERE id = (SELECT min(id) FROM m); DELETE FROM m WHERE id = (SELECT min(id) "
      "FROM m "
      "WHERE id > 0)";
  FollowAll({
      {"BEGIN; ALTER TABLE m RENAME TO m_old; ALTER INDEX m_pkey RENAME TO m_old_pkey;"
       "CREATE TABLE m (id int PRIMARY KEY, v text, big text) PARTITION BY RANGE (id);"
       "ALTER TABLE m ATTACH PARTITION m_old FOR VALUES FROM (MINVALUE) TO (1000);"
       "CREATE TABLE m_new PARTITION OF m FOR VALUES FROM (1000) TO (MAXVALUE); COMMIT",
       Copy::kAllowed},
      {"BEGIN; CREATE TABLE whole (LIKE m INCLUDING ALL); INSERT INTO whole SELECT * FROM m; DROP TABLE m; ALTER TABLE "
       "whole RENAME TO m; COMMIT",
       Copy::kAllowed},
  });
}

// Labels: slow
TEST_F(DdlPartitionsTest, ChangesOfInheritanceAreFollowed) {
  Exec(R"(
    CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE child (w text, PRIMARY KEY (id)) INHERITS (parent);
    CREATE TABLE cousin (x int, v text, id int PRIMARY KEY);
    CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child);
    INSERT INTO parent SELECT n, 'p' FROM generate_series(1, 100) n;
    INSERT INTO child SELECT n, 'c', 'w' FROM generate_series(101, 200) n;
    INSERT INTO grandchild SELECT n, 'g', 'w' FROM generate_series(201, 300) n;
    INSERT INTO cousin SELECT n, 'x', n FROM generate_series(301, 400) n)");
  rotv.MustSync({"baseline"});
  usual_change = R"(
    INSERT INTO child (id, v) SELECT max(id) + 1, 'new' FROM parent; UPDATE parent SET v = v || '.' WHERE id % 10 = 0;
    INSERT INTO grandchild (id, v) SELECT max(id) + 1, 'new' FROM parent; UPDATE cousin SET v = 'cousin' WHERE id < 310;
    DELETE FROM ONLY parent WHERE id = (SELECT min(id) FROM ONLY parent);
    DELETE FROM child WHERE id = (SELECT min(id) FROM ONLY child))";
  FollowAll({
      {"ALTER TABLE parent ADD c int DEFAULT 5"},
      {"ALTER TABLE child ADD d text DEFAULT 'd'", Copy::kAllowed, "UPDATE child SET d = 'e' WHERE id % 20 = 0"},
      {"ALTER TABLE parent ADD d text DEFAULT 'of the parent'"},
      {"ALTER TABLE parent RENAME c TO cc"},
      {"ALTER TABLE parent ALTER cc TYPE bigint", Copy::kAllowed},
      {"ALTER TABLE cousin ADD cc bigint, ADD d text; ALTER TABLE cousin INHERIT parent"},
      {"ALTER TABLE grandchild NO INHERIT child; ALTER TABLE grandchild DROP w"},
      {"ALTER TABLE parent DROP cc"},
      {"ALTER TABLE ONLY parent DROP d"},
      {"ALTER TABLE cousin NO INHERIT parent; DROP TABLE parent CASCADE", Copy::kNever,
       "UPDATE cousin SET v = 'last'; UPDATE grandchild SET v = 'last'"},
  });
}

}  // namespace
}  // namespace rotv::testing
