// How rows are identified: keys that change, swap, form chains and return; identities by index, FULL, and multisets of
// equal rows. Most kinds of keys take the same code: AddressSanitizer sees six of them. All take the threads that
// ThreadSanitizer sees in e2e/ddl.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

class KeysTest : public FollowTest {
 protected:
  // Creates tables `t` of one kind after the other: with int keys 1 to 9, and with all the hard cases in one
  // transaction.
  void KeyChangesAreFollowed() {
    Exec("INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 9) n");
    BaselineIsDump({.import = Import::kNone});
    TransactionIsFollowed("UPDATE t SET k = 10 WHERE k = 1");
    // A swap in three steps, a chain, and a ring.
    TransactionIsFollowed(
        "UPDATE t SET k = -2 WHERE k = 2; UPDATE t SET k = 2 WHERE k = 3; UPDATE t SET k = 3 WHERE k = -2");
    TransactionIsFollowed(
        "UPDATE t SET k = 21 WHERE k = 4; UPDATE t SET k = 22 WHERE k = 21;"
        "UPDATE t SET v = 'chained' WHERE k = 22; UPDATE t SET k = 23 WHERE k = 22");
    TransactionIsFollowed("UPDATE t SET k = 50 WHERE k = 5; UPDATE t SET k = 5, v = 'back' WHERE k = 50");
    // A key that is used again.
    TransactionIsFollowed("DELETE FROM t WHERE k = 6; INSERT INTO t VALUES (6, 'again')");
    TransactionIsFollowed(
        "UPDATE t SET k = 60 WHERE k = 6; INSERT INTO t VALUES (6, 'third');"
        "DELETE FROM t WHERE k = 60");
    TransactionIsFollowed(
        "DELETE FROM t WHERE k = 7; UPDATE t SET k = 7 WHERE k = 8; DELETE FROM t WHERE k = 7;"
        "INSERT INTO t VALUES (7, 'last'), (8, NULL)");
    // These rows leave nothing.
    TransactionIsFollowed(
        "INSERT INTO t VALUES (70, 'x'); UPDATE t SET k = 71 WHERE k = 70;"
        "UPDATE t SET v = 'y' WHERE k = 71; DELETE FROM t WHERE k = 71");
    TransactionIsFollowed("UPDATE t SET k = k + 1000");
    TransactionIsFollowed("UPDATE t SET v = v");
    TransactionIsFollowed("DELETE FROM t WHERE k > 1005; UPDATE t SET k = -k");
    PullIsDump({.import = Import::kEmpty});
  }
};

// Labels: asan
TEST_F(KeysTest, ChangesOfAPrimaryKeyAreFollowed) {
  Exec("CREATE TABLE t (k int PRIMARY KEY, v text)");
  KeyChangesAreFollowed();
}

// A column that an index only includes identifies no row, and may be null.
TEST_F(KeysTest, ChangesOfAPrimaryKeyThatIncludesAColumnAreFollowed) {
  Exec("CREATE TABLE t (k int, v text, PRIMARY KEY (k) INCLUDE (v))");
  KeyChangesAreFollowed();
}

TEST_F(KeysTest, ChangesOfAReplicaIdentityIndexAreFollowed) {
  Exec(
      "CREATE TABLE t (k bigint NOT NULL, v text, id serial PRIMARY KEY); CREATE UNIQUE INDEX t_k ON t (k);"
      "ALTER TABLE t REPLICA IDENTITY USING INDEX t_k");
  KeyChangesAreFollowed();
}

TEST_F(KeysTest, ChangesOfAPrimaryKeyUnderIdentityFullAreFollowed) {
  Exec("CREATE TABLE t (k smallint PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY FULL");
  KeyChangesAreFollowed();
}

// Labels: asan
TEST_F(KeysTest, ChangesUnderIdentityFullWithoutAKeyAreFollowed) {
  Exec("CREATE TABLE t (k int, v text); ALTER TABLE t REPLICA IDENTITY FULL");
  KeyChangesAreFollowed();
}

TEST_F(KeysTest, ADeferrablePrimaryKeyUnderIdentityFullLosesNoRow) {
  Exec(
      "CREATE TABLE t (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text); ALTER TABLE t REPLICA IDENTITY FULL;"
      "INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  BaselineIsDump();
  TransactionIsFollowed("UPDATE t SET k = 3 - k");
  TransactionIsFollowed("INSERT INTO t VALUES (1, 'for a moment'); DELETE FROM t WHERE v = 'two'");
}

// Labels: asan
TEST_F(KeysTest, APartitionsRowsMoveWithTheirKeys) {
  Exec(
      "CREATE TABLE t (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);"
      "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (6);"
      "CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (6) TO (MAXVALUE) PARTITION BY LIST (k);"
      "CREATE TABLE \"t.7\" PARTITION OF t_high FOR VALUES IN (7);"
      "CREATE TABLE t_rest PARTITION OF t_high DEFAULT; ALTER TABLE t_low REPLICA IDENTITY FULL");
  KeyChangesAreFollowed();
}

// A key that equals the old one but has another text.
// Labels: asan
TEST_F(KeysTest, EqualKeysWithDifferentTextReplaceEachOther) {
  Exec(
      "CREATE EXTENSION citext;"
      "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE n (k numeric PRIMARY KEY, v text); CREATE TABLE c (k citext PRIMARY KEY, v text);"
      "CREATE TABLE i (k text COLLATE ci PRIMARY KEY, v text); CREATE TABLE f (k float8 PRIMARY KEY, v text);"
      "CREATE TABLE d (k interval PRIMARY KEY, v text); CREATE TABLE p (k char(5) PRIMARY KEY, v text);"
      "CREATE TABLE b (k numeric, v text); ALTER TABLE b REPLICA IDENTITY FULL;"
      "CREATE TABLE nf (k numeric PRIMARY KEY, v text); ALTER TABLE nf REPLICA IDENTITY FULL;"
      "INSERT INTO n VALUES (1.0, 'a'), (2, 'b'); INSERT INTO c VALUES ('Key', 'a'); INSERT INTO i VALUES ('Key', 'a');"
      "INSERT INTO f VALUES (0, 'a'); INSERT INTO d VALUES ('1 day', 'a'); INSERT INTO p VALUES ('a', 'a');"
      "INSERT INTO b VALUES (1.0, 'a'), (1.00, 'a'), (1, 'a'); INSERT INTO nf VALUES (1.0, 'a')");
  BaselineIsDump();
  TransactionIsFollowed(
      "UPDATE n SET k = 1.00 WHERE k = 1; UPDATE c SET k = 'KEY'; UPDATE i SET k = 'kEY';"
      "UPDATE f SET k = '-0'; UPDATE d SET k = '24:00'; UPDATE nf SET k = 1.000;"
      "UPDATE b SET k = 1.000 WHERE k::text = '1.0'; UPDATE p SET k = 'a    '");
  TransactionIsFollowed(
      "UPDATE n SET v = 'x' WHERE k = 1.000; DELETE FROM n WHERE k = 2.00; INSERT INTO n VALUES"
      "(2.000, 'new'); UPDATE c SET v = 'x' WHERE k = 'key'; UPDATE i SET v = 'x'; UPDATE f SET v = 'x';"
      "UPDATE d SET v = 'x'; UPDATE nf SET v = 'x'; DELETE FROM b WHERE k::text = '1.00'");
  TransactionIsFollowed(
      "DELETE FROM c; INSERT INTO c VALUES ('key', 'y'); DELETE FROM i; INSERT INTO i VALUES ('key', '');"
      "DELETE FROM f; INSERT INTO f VALUES (0, 'y'); DELETE FROM d; DELETE FROM nf; DELETE FROM b");
}

// Labels: asan
TEST_F(KeysTest, KeysOfSeveralColumnsAreFollowed) {
  Exec(R"(
    CREATE TABLE two (v text, b text, a int, PRIMARY KEY (a, b));
    CREATE TABLE three (u uuid, n numeric, at timestamptz, v text, PRIMARY KEY (at, u, n));
    CREATE TABLE bytes (k bytea, i int, v text, PRIMARY KEY (k, i));
    CREATE TABLE numbers (s smallint, i int, l bigint, PRIMARY KEY (s, i, l));
    CREATE TABLE words (a text, b text, PRIMARY KEY (a, b));
    INSERT INTO two SELECT 'v' || n, chr(96 + n), n % 3 - 1 FROM generate_series(1, 9) n;
    INSERT INTO three SELECT md5(n::text)::uuid, n / 3.0, timestamptz '2020-01-01' - n * interval '100 years', 'v'
      FROM generate_series(1, 30) n;
    INSERT INTO bytes SELECT decode(lpad(to_hex(n), 2, '0'), 'hex'), -n, 'x' FROM generate_series(0, 255) n;
    INSERT INTO numbers SELECT n % 2, -n, (n - 5) * 1000000000000000000 FROM generate_series(-4, 14) n;
    -- Keys that would be equal if their columns were only concatenated.
    INSERT INTO words VALUES ('a', 'bc'), ('ab', 'c'), ('abc', ''), ('', 'abc'), (E'a\tb', 'c'), ('a', E'b\tc'),
      (E'a\\', 'tb'), ('a', E'\\tb'), (E'a\x01', 'b'), ('a', E'\x01b'), (E'\\N', ''), ('', E'\\N'))");
  BaselineIsDump();
  TransactionIsFollowed(R"(
    UPDATE two SET v = v || '!' WHERE a = 0; UPDATE two SET a = a + 10 WHERE b < 'd'; UPDATE two SET b = b || b WHERE a = 1;
    DELETE FROM two WHERE b = 'i'; UPDATE three SET n = n + 1 WHERE n < 3; UPDATE three SET v = NULL WHERE n > 5;
    DELETE FROM three WHERE at < '0001-01-01 BC'; UPDATE bytes SET k = k || '\x00' WHERE i % 2 = 0;
    DELETE FROM bytes WHERE i % 5 = 0; UPDATE bytes SET v = 'y'; UPDATE numbers SET s = -s, l = -l;
    DELETE FROM numbers WHERE i > 0)");
  for (const char* where : {"a = 'a' AND b = 'bc'", "a = E'a\\tb'", "a = E'a\\x01'", "a = ''", "b = E'\\\\tb'"}) {
    TransactionIsFollowed(fmt::format("DELETE FROM words WHERE {}", where));
  }
}

// Labels: asan
TEST_F(KeysTest, AMultisetLosesExactlyOneOfEqualRows) {
  Exec(
      "CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "INSERT INTO bag SELECT 1, 'same' FROM generate_series(1, 5); INSERT INTO bag VALUES (NULL, NULL), (NULL, NULL),"
      "(NULL, ''), (2, 'other')");
  BaselineIsDump();
  const std::string one = "WHERE ctid = (SELECT min(ctid) FROM bag WHERE a = 1)";
  TransactionIsFollowed("DELETE FROM bag " + one);
  TransactionIsFollowed("UPDATE bag SET b = 'changed' " + one);
  TransactionIsFollowed("DELETE FROM bag " + one + "; INSERT INTO bag VALUES (1, 'same'); DELETE FROM bag " + one);
  TransactionIsFollowed("DELETE FROM bag WHERE a IS NULL AND ctid = (SELECT min(ctid) FROM bag WHERE a IS NULL)");
  TransactionIsFollowed("DELETE FROM bag WHERE a = 1; INSERT INTO bag SELECT 1, 'same' FROM generate_series(1, 3)");
  TransactionIsFollowed("UPDATE bag SET a = 2, b = 'other'");
  TransactionIsFollowed("INSERT INTO bag SELECT * FROM bag; INSERT INTO bag SELECT * FROM bag");
  TransactionIsFollowed("DELETE FROM bag");
  TransactionIsFollowed(
      "INSERT INTO bag SELECT n % 3, 'n' FROM generate_series(1, 3000) n;"
      "UPDATE bag SET a = a + 1; DELETE FROM bag WHERE a = 2");
  PullIsDump({.import = Import::kEmpty});
}

}  // namespace
}  // namespace rotv::testing
