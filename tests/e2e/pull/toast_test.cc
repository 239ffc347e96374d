// Large values that an update leaves unchanged: the server does not send them, and the seed has them all the same.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

// A text of 100 kB that does not compress and that differs for each `seed`.
std::string Large(const std::string& seed, int kilobytes = 100) {
  return fmt::format("(SELECT string_agg(md5({} || '/' || piece), '') FROM generate_series(1, {}) piece)", seed,
                     kilobytes * 32);
}

class ToastTest : public FollowTest {
 protected:
  ToastTest() : FollowTest(FollowOptionsBySsh()) {}

  // Uses tables p with the columns k, name, picture (bytea), words (text), in that order.
  void UnchangedValuesAreKept() {
    Exec(fmt::format("INSERT INTO p SELECT n, 'name ' || n, {}::bytea, {} FROM generate_series(1, 8) n",
                     Large("'p' || n"), Large("'w' || n", 20)));
    ASSERT_EQ(sql->Value("SELECT pg_relation_size(reltoastrelid) > 500000 FROM pg_class WHERE relname = 'p'"), "t");
    BaselineIsDump({.import = Import::kNone});
    TransactionIsFollowed("UPDATE p SET name = 'renamed' WHERE k = 1");
    TransactionIsFollowed(fmt::format("UPDATE p SET words = {} WHERE k IN (1, 2)", Large("'x'")));
    TransactionIsFollowed(
        fmt::format("UPDATE p SET picture = {}::bytea WHERE k = 3; UPDATE p SET name = 'a' WHERE k = 3;"
                    "UPDATE p SET words = {} WHERE k = 3",
                    Large("'y'"), Large("'z'")));
    TransactionIsFollowed("UPDATE p SET name = 'b' WHERE k = 4; UPDATE p SET name = 'c' WHERE k = 4");
    // Rows are inserted and partly updated in one transaction, also more than once.
    TransactionIsFollowed(
        fmt::format("INSERT INTO p VALUES (20, 'new', {}::bytea, {}); UPDATE p SET name = 'newer' "
                    "WHERE k = 20; UPDATE p SET words = NULL WHERE k = 20; UPDATE p SET name = NULL "
                    "WHERE k = 20",
                    Large("'i'"), Large("'j'")));
    // Rows are updated in part, deleted, and inserted again.
    TransactionIsFollowed(
        fmt::format("UPDATE p SET name = 'd' WHERE k = 5; DELETE FROM p WHERE k = 5;"
                    "INSERT INTO p VALUES (5, 'again', {}::bytea, ''); UPDATE p SET name = 'e' WHERE k = 5",
                    Large("'k'")));
    TransactionIsFollowed("DELETE FROM p WHERE k = 6");
    TransactionIsFollowed(fmt::format("INSERT INTO p VALUES (6, 'again', NULL, {})", Large("'l'")));
    TransactionIsFollowed("UPDATE p SET name = 'f' WHERE k = 6");
    // The same over several pulls, and then with another key.
    for (int i = 0; i < 3; ++i) TransactionIsFollowed(fmt::format("UPDATE p SET name = 'pull {}'", i));
    TransactionIsFollowed("UPDATE p SET k = 70 WHERE k = 7");
    TransactionIsFollowed("UPDATE p SET name = 'g' WHERE k = 70");
    TransactionIsFollowed(
        "UPDATE p SET name = 'h' WHERE k = 8; UPDATE p SET k = 80 WHERE k = 8; UPDATE p SET name = 'i' "
        "WHERE k = 80; UPDATE p SET k = 8 WHERE k = 80; UPDATE p SET k = 81, words = '' WHERE k = 8");
    TransactionIsFollowed(
        fmt::format("INSERT INTO p VALUES (90, 'm', {}::bytea, {}); UPDATE p SET k = 91 WHERE k = 90;"
                    "UPDATE p SET name = 'o' WHERE k = 91",
                    Large("'m'"), Large("'n'")));
    TransactionIsFollowed("UPDATE p SET picture = NULL WHERE k < 3; UPDATE p SET name = 'q' WHERE k < 3");
    TransactionIsFollowed("SAVEPOINT s; UPDATE p SET picture = '' WHERE k = 4; ROLLBACK TO s; UPDATE p SET name = 'r'");
    PullIsDump({.import = Import::kEmpty});
  }
};

constexpr const char* kColumns = "name text, picture bytea, words text";

TEST_F(ToastTest, UnchangedValuesAreKeptByPrimaryKey) {
  Exec(fmt::format("CREATE TABLE p (k int PRIMARY KEY, {})", kColumns));
  UnchangedValuesAreKept();
}

TEST_F(ToastTest, UnchangedValuesAreKeptByReplicaIdentityIndex) {
  Exec(
      fmt::format("CREATE TABLE p (k int NOT NULL, {}); CREATE UNIQUE INDEX p_k ON p (k);"
                  "ALTER TABLE p REPLICA IDENTITY USING INDEX p_k",
                  kColumns));
  UnchangedValuesAreKept();
}

// Labels: slow
TEST_F(ToastTest, UnchangedValuesAreKeptUnderIdentityFull) {
  Exec(fmt::format("CREATE TABLE p (k int PRIMARY KEY, {}); ALTER TABLE p REPLICA IDENTITY FULL", kColumns));
  UnchangedValuesAreKept();
}

// Labels: slow
TEST_F(ToastTest, UnchangedValuesAreKeptUnderIdentityFullWithoutAKey) {
  Exec(fmt::format("CREATE TABLE p (k int, {}); ALTER TABLE p REPLICA IDENTITY FULL", kColumns));
  UnchangedValuesAreKept();
}

// A key of 2 kB is stored outside of the row too, if its storage says so: then it is itself not sent.
TEST_F(ToastTest, AToastedKeyIsFollowed) {
  Exec(
      "CREATE TABLE t (v text, k text PRIMARY KEY, w text); ALTER TABLE t ALTER k SET STORAGE EXTERNAL;"
      "ALTER TABLE t SET (toast_tuple_target = 128);"
      "CREATE TABLE two (a text, k text, b text, n int, PRIMARY KEY (k, n)); ALTER TABLE two ALTER k SET STORAGE "
      "EXTERNAL;"
      "ALTER TABLE two SET (toast_tuple_target = 128)");
  const std::string key = Large("n::text", 2);
  Exec("INSERT INTO t SELECT 'v', substr(" + key +
       ", 1, 2000), repeat('w', 300) FROM generate_series(1, 6) n;"
       "INSERT INTO two SELECT 'a', substr(" +
       key + ", 1, 2000), repeat('b', 300), n FROM generate_series(1, 6) n");
  ASSERT_EQ(sql->Value("SELECT pg_relation_size(reltoastrelid) >= 8192 FROM pg_class WHERE relname = 't'"), "t");
  BaselineIsDump();
  const std::string first = "(SELECT min(k) FROM t)";
  TransactionIsFollowed("UPDATE t SET v = 'changed' WHERE k = " + first + "; UPDATE two SET b = 'changed' WHERE n < 3");
  TransactionIsFollowed("UPDATE two SET n = n + 10 WHERE n > 3; UPDATE two SET a = NULL WHERE n > 13");
  TransactionIsFollowed("UPDATE t SET k = reverse(k), v = 'key' WHERE k = " + first +
                        "; UPDATE two SET k = reverse(k) WHERE n = 1");
  TransactionIsFollowed("UPDATE two SET n = -n WHERE n = 1; UPDATE two SET a = 'neg' WHERE n = -1");
  TransactionIsFollowed("DELETE FROM t WHERE k = " + first + "; DELETE FROM two WHERE n > 14");
  ExecAsSuperuser("ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE two REPLICA IDENTITY FULL");
  rotv.MustSync({"baseline", "--force"});
  TransactionIsFollowed("UPDATE t SET v = 'full' WHERE k = " + first + "; UPDATE two SET n = n + 100 WHERE n = 2");
  TransactionIsFollowed("DELETE FROM t WHERE k = " + first + "; DELETE FROM two WHERE n > 14");
}

// Many large rows in one transaction, more than fits into memory, each inserted and then updated in part.
// Labels: slow
TEST_F(ToastTest, MemoryDoesNotGrowWithLargeRows) {
  Exec(
      "CREATE TABLE p (k int PRIMARY KEY, name text, picture text); ALTER TABLE p ALTER picture SET STORAGE EXTERNAL;"
      "CREATE TABLE seed (v text); ALTER TABLE seed REPLICA IDENTITY FULL;"
      "INSERT INTO seed SELECT string_agg(md5(n::text), '') FROM generate_series(1, 32768) n");
  BaselineIsDump({.import = Import::kNone});
  Exec(
      "BEGIN; INSERT INTO p SELECT n, 'a', n || v FROM generate_series(1, 300) n, seed; UPDATE p SET name = 'b';"
      "UPDATE p SET k = -k WHERE k % 10 = 0; COMMIT");
  const Command pull = rotv.SyncCommand({"pull"});
  const Result result = RunCommand(pull);
  ASSERT_TRUE(result.ok()) << Describe(pull, result);
  EXPECT_LE(result.peak_rss_kib, 256 * 1024);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  const Command baseline = rotv.SyncCommand({"baseline", "--force"});
  const Result again = RunCommand(baseline);
  ASSERT_TRUE(again.ok()) << Describe(baseline, again);
  EXPECT_LE(again.peak_rss_kib, 256 * 1024);
}

}  // namespace
}  // namespace rotv::testing
