// A store that was damaged on purpose: verify finds the damage by the right keys, and repairs it.

#include "fmt/format.h"
#include "tests/e2e/verify/verify_fixture.h"

namespace rotv::testing {
namespace {

json Key(const std::string& kind, const json& key) { return {{"kind", kind}, {"key", key}}; }

class VerifyRepairTest : public VerifyTest {
 protected:
  VerifyRepairTest() {
    Exec(R"(
      CREATE TABLE t (id int PRIMARY KEY, v text);
      INSERT INTO t SELECT n, 'secret ' || n FROM generate_series(1, 45000) n;
      CREATE TABLE words (a text, b int, v text, PRIMARY KEY (a, b));
      INSERT INTO words SELECT E'w\t' || n % 700, n, NULLIF(n % 3, 0)::text FROM generate_series(1, 30000) n;
      CREATE TABLE bag (a int, v text); ALTER TABLE bag REPLICA IDENTITY FULL;
      INSERT INTO bag SELECT n % 10, 'secret' FROM generate_series(1, 500) n;
      CREATE TABLE few (id int PRIMARY KEY, v text); INSERT INTO few SELECT n, 'v' FROM generate_series(1, 300) n)");
    rotv.MustSync({"baseline"});
  }
};

TEST_F(VerifyRepairTest, RowsOfAnIntegerKeyAreFoundAndRepaired) {
  {
    Damage damage(rotv, "public.t");
    damage.Write(IntegerKeyOf(17), "17\tsecret 18");
    damage.Remove(IntegerKeyOf(30000));
    damage.Write(IntegerKeyOf(-5), "-5\tsecret");
    damage.Write(IntegerKeyOf(50000), "50000\tsecret");
  }
  const Command command = rotv.SyncCommand({"verify"});
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, 7) << Describe(command, result);
  EXPECT_NE(result.out.find("hint: rotv-sync verify --repair"), std::string::npos);
  EXPECT_EQ(result.out.find("secret"), std::string::npos) << "a value is shown: " << result.out;

  json report = Verify(7);
  EXPECT_EQ(report["equal"], false);
  EXPECT_EQ(report["differing"], 1);
  json difference = TableOf(report, "public.t")["difference"];
  EXPECT_EQ(difference["missing"], 1);
  EXPECT_EQ(difference["extra"], 2);
  EXPECT_EQ(difference["different"], 1);
  EXPECT_EQ(difference["keys"], json::array({Key("extra", {{"id", "-5"}}), Key("different", {{"id", "17"}}),
                                             Key("missing", {{"id", "30000"}}), Key("extra", {{"id", "50000"}})}));
  EXPECT_EQ(difference["ranges"][0]["from"], json());
  EXPECT_TRUE(difference["ranges"][0]["to"].is_string());
  EXPECT_GE(difference["differing_ranges"], 2);
  RepairIsCorrect();
}

TEST_F(VerifyRepairTest, RowsOfATextKeyAreFoundAndRepaired) {
  {
    Damage damage(rotv, "public.words");
    damage.Write(TextKeyOf("w\t3") + IntegerKeyOf(3), "w\\t3\t3\tno");
    damage.Remove(TextKeyOf("w\t699") + IntegerKeyOf(699));
    damage.Write(TextKeyOf("zzz") + IntegerKeyOf(1), "zzz\t1\t\\N");
  }
  json difference = TableOf(Verify(7), "public.words")["difference"];
  EXPECT_EQ(difference["keys"],
            json::array({Key("different", {{"a", "w\t3"}, {"b", "3"}}), Key("missing", {{"a", "w\t699"}, {"b", "699"}}),
                         Key("extra", {{"a", "zzz"}, {"b", "1"}})}));
  RepairIsCorrect();
}

TEST_F(VerifyRepairTest, OnlyDifferingRowsAreCopied) {
  {
    Damage damage(rotv, "public.t");
    damage.Write(IntegerKeyOf(17), "17\tno");
    damage.Remove(IntegerKeyOf(18));
    damage.Write(IntegerKeyOf(50000), "50000\tno");
  }
  const Result repair = rotv.Sync({"-v", "verify", "--repair"});
  EXPECT_EQ(repair.exit_status, 0) << repair.err;
  EXPECT_NE(repair.err.find("repairing public.t"), std::string::npos) << repair.err;
  EXPECT_EQ(repair.err.find("copying"), std::string::npos) << "all of it: " << repair.err;
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_F(VerifyRepairTest, AMultisetIsResynced) {
  {
    Damage damage(rotv, "public.bag");
    std::vector<std::string> keys = damage.KeysOf([](std::string_view line) { return line == "3\tsecret"; });
    ASSERT_EQ(keys.size(), 50u);
    damage.Put(keys.front(), {.shape = damage.shape(), .count = 48, .text = "3\tsecret"});
  }
  json difference = TableOf(Verify(7), "public.bag")["difference"];
  EXPECT_EQ(difference["missing"], 2);
  EXPECT_EQ(difference["extra"], 0);
  EXPECT_EQ(difference["keys"], json::array());
  const Result repair = rotv.Sync({"-v", "verify", "--repair"});
  EXPECT_EQ(repair.exit_status, 0) << repair.err;
  EXPECT_NE(repair.err.find("copying public.bag"), std::string::npos) << repair.err;
  RepairIsCorrect();
}

TEST_F(VerifyRepairTest, ATableThatMostlyDiffersIsResynced) {
  {
    Damage damage(rotv, "public.few");
    for (int i = 1; i <= 300; ++i) damage.Write(IntegerKeyOf(i), fmt::format("{}\tno", i));
  }
  json difference = TableOf(Verify(7), "public.few")["difference"];
  EXPECT_EQ(difference["different"], 300);
  EXPECT_EQ(difference["keys"].size(), 10u);
  EXPECT_EQ(difference["keys"][9], Key("different", {{"id", "10"}}));
  const Result repair = rotv.Sync({"-v", "verify", "--repair"});
  EXPECT_NE(repair.err.find("copying public.few"), std::string::npos) << repair.err;
  RepairIsCorrect();
}

TEST_F(VerifyRepairTest, AnUnreadableTableIsResynced) {
  {
    Damage damage(rotv, "public.few");
    damage.Put(IntegerKeyOf(1000), {.kind = RowVersion::Kind::kPartial, .shape = damage.shape(), .text = "1000\t\\u"});
  }
  EXPECT_NE(TableOf(Verify(7), "public.few")["unreadable"], json());
  RepairIsCorrect();
}

TEST_F(VerifyRepairTest, ARepairIsFollowedByPulls) {
  {
    Damage damage(rotv, "public.t");
    damage.Write(IntegerKeyOf(17), "17\tno");
    damage.Remove(IntegerKeyOf(18));
  }
  Verify(0, {"--repair", "--table", "public.t"});
  TransactionIsFollowed("UPDATE t SET v = 'new' WHERE id IN (17, 18); DELETE FROM t WHERE id = 19");
  ExpectEqual();
}

TEST_F(VerifyRepairTest, AnInterruptedRepairIsFinishedByTheNextPull) {
  {
    Damage damage(rotv, "public.bag");
    std::vector<std::string> keys = damage.KeysOf([](std::string_view) { return true; });
    damage.Remove(keys.front());
  }
  Process repair(rotv.SyncCommand({"-v", "verify", "--repair"}));
  ASSERT_TRUE(repair.WaitForOutput("copying public.bag", std::chrono::seconds(60)));
  repair.Signal(SIGKILL);
  repair.Wait();
  PullIsDump();
  ExpectEqual();
}

}  // namespace
}  // namespace rotv::testing
