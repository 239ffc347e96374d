// TRUNCATE in all its forms.

#include <gtest/gtest.h>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

const std::string kEmpty = "TRUNCATE a, b, bag, other, parts RESTART IDENTITY;";
const std::string kFill =
    kEmpty +
    "INSERT INTO a (v) SELECT 'a' || n FROM generate_series(1, 100) n;"
    "INSERT INTO b SELECT id, id, 'b' FROM a; INSERT INTO bag SELECT 'x' FROM generate_series(1, 10);"
    "INSERT INTO other SELECT n, repeat('o', 5000) FROM generate_series(1, 100) n;"
    "INSERT INTO parts SELECT n, 'p' FROM generate_series(1, 99) n;";

class TruncateTest : public FollowTest {
 protected:
  TruncateTest() {
    Exec(
        "CREATE TABLE a (id serial PRIMARY KEY, v text);"
        "CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, v text); CREATE TABLE bag (v text);"
        "ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TABLE other (id int PRIMARY KEY, v text);"
        "CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);"
        "CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (50) TO (1000)");
    Exec(kFill);
    BaselineIsDump({.import = Import::kNone});
  }
};

TEST_F(TruncateTest, TruncatesOfOneSeveralAndCascadedTablesAreFollowed) {
  TransactionIsFollowed("TRUNCATE other");
  TransactionIsFollowed("TRUNCATE a CASCADE");
  TransactionIsFollowed(kFill + "TRUNCATE bag, other, parts");
  TransactionIsFollowed(kFill);
  TransactionIsFollowed("TRUNCATE part_1");
  TransactionIsFollowed(kEmpty);
  PullIsDump({.import = Import::kEmpty});
}

TEST_F(TruncateTest, ATruncateBetweenChangesOfOneTransactionIsFollowed) {
  TransactionIsFollowed(
      "UPDATE other SET id = id + 1000; INSERT INTO other VALUES (1, 'before'); TRUNCATE other;"
      "INSERT INTO other VALUES (1, 'behind'), (2, 'behind'); UPDATE other SET v = 'u' WHERE id = 2");
  TransactionIsFollowed(
      "INSERT INTO other VALUES (3, '3'); TRUNCATE other; INSERT INTO other VALUES (3, '3b'), (4, '');"
      "DELETE FROM other WHERE id = 4; TRUNCATE other; INSERT INTO other VALUES (3, '3c')");
  TransactionIsFollowed(
      "TRUNCATE bag; INSERT INTO bag VALUES ('x'), ('x'); DELETE FROM bag WHERE ctid = '(0,1)';"
      "TRUNCATE other; TRUNCATE other");
  TransactionIsFollowed(
      "UPDATE parts SET id = id + 100 WHERE id IN (1, 99); TRUNCATE parts; INSERT INTO parts VALUES"
      "(1, 'x'); UPDATE parts SET id = 77");
  TransactionIsFollowed("INSERT INTO other VALUES (9, 'nine'); INSERT INTO bag VALUES ('y')");
}

TEST_F(TruncateTest, ARolledBackTruncateHasNoEffect) {
  TransactionIsFollowed(
      "SAVEPOINT s; TRUNCATE other, bag; INSERT INTO other VALUES (1, 'gone'); ROLLBACK TO s;"
      "UPDATE other SET v = 'kept' WHERE id = 1; DELETE FROM bag WHERE ctid = '(0,1)'");
  Exec("BEGIN; TRUNCATE a CASCADE; ROLLBACK");
  PullIsDump();
  TransactionIsFollowed("SAVEPOINT s; TRUNCATE other; RELEASE s; INSERT INTO other VALUES (1, 'released')");
}

TEST_F(TruncateTest, TruncatesOfSeveralPullsLeaveThePastUnchanged) {
  const std::string before = ReadFile(rotv.Seed());
  Exec(kEmpty);
  PullIsDump();
  Exec(kFill);
  PullIsDump();
  Exec(kFill + "UPDATE b SET v = 'last'");
  PullIsDump();
  EXPECT_TRUE(DumpsAreEqual({"the seed of the baseline", ReadFile(rotv.Seed("old.sql", {"--snapshot", "baseline"}))},
                            {"the earlier seed", before}));
}

// A large value from before the TRUNCATE does not replace one that was not sent.
TEST_F(TruncateTest, LargeValuesAfterATruncateDoNotComeFromBefore) {
  ExecAsSuperuser("ALTER TABLE other ALTER v SET STORAGE EXTERNAL");
  rotv.MustSync({"baseline", "--force"});
  TransactionIsFollowed(
      "UPDATE other SET v = repeat('1', 9000) WHERE id = 1; TRUNCATE other;"
      "INSERT INTO other VALUES (1, repeat('2', 9000)), (2, 'small')");
  TransactionIsFollowed("UPDATE other SET id = 5 WHERE id = 1");
  TransactionIsFollowed("TRUNCATE other; INSERT INTO other VALUES (5, repeat('3', 9000)); UPDATE other SET id = 6");
}

}  // namespace
}  // namespace rotv::testing
