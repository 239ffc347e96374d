// The transactions received: listed as the source committed them, afterwards and while following.

#include <gmock/gmock.h>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LogTest : public HistoryTest {
 protected:
  nlohmann::json Transactions(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), "log");
    return Json(arguments).at("transactions");
  }
};

TEST_F(LogTest, ListsTheChangesOfEachTransaction) {
  rotv.MustSync({"baseline"});
  EXPECT_EQ(Transactions().size(), 0U);
  EXPECT_EQ(rotv.MustSync({"log"}), "");
  Exec(
      "BEGIN; INSERT INTO t (id) VALUES (-1), (-2); UPDATE t SET v = 'x' WHERE id < 4; DELETE FROM bag WHERE v = 'line "
      "3'; COMMIT");
  Exec("BEGIN; TRUNCATE bag; INSERT INTO bag VALUES ('a'); COMMIT");
  Exec("INSERT INTO t SELECT n FROM generate_series(10001, 90000) n");  // In several chunks.
  rotv.MustSync({"pull"});
  const std::string multiset_rows = "7";
  const nlohmann::json all = Transactions();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].at("tables"),
            nlohmann::json::parse(R"([{"table":"public.t","inserted":2,"updated":5,"deleted":0,"truncated":false},
              {"table":"public.bag","inserted":0,"updated":0,"deleted":)" +
                                  multiset_rows + R"(,"truncated":false}])"));
  EXPECT_EQ(all[1].at("tables")[0].at("truncated"), true);
  EXPECT_EQ(all[1].at("tables")[0].at("inserted"), 1);
  EXPECT_EQ(all[2].at("tables")[0].at("inserted"), 80000);
  EXPECT_LT(all[0].at("time").get<std::string>(), all[1].at("time").get<std::string>());

  const std::string text = rotv.MustSync({"log"});
  EXPECT_THAT(text, HasSubstr("  public.t +2 ~5, public.bag -7\n"));
  EXPECT_THAT(text, HasSubstr("  public.bag truncated +1\n"));
  EXPECT_THAT(text, HasSubstr("  public.t +80,000\n"));

  // Every LSN after the commit is in the state with the transaction.
  EXPECT_EQ(Transactions({"--since", all[1].at("lsn")}), nlohmann::json({all[1], all[2]}));
  EXPECT_EQ(Transactions({"--since", all[1].at("time")}), nlohmann::json({all[1], all[2]}));
  EXPECT_EQ(Transactions({"--since", "2 hours ago"}), all);
  EXPECT_EQ(Transactions({"--since", "now"}).size(), 0U);
  EXPECT_EQ(Transactions({"--table", "bag"}), nlohmann::json({all[0], all[1]}));
  EXPECT_EQ(Transactions({"--table", "public.bag", "--limit", "1"}), nlohmann::json({all[1]}));
  EXPECT_EQ(Transactions({"--limit", "0"}), all);
  EXPECT_EQ(Transactions({"--limit", "2"}), nlohmann::json({all[1], all[2]}));

  ExpectExit(rotv, {"log", "--table", "nowhere"}, 2);
  ExpectExit(rotv, {"log", "--since", "soon"}, 2);
}

TEST_F(LogTest, TablesHaveTheirPresentNames) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t VALUES (-1); CREATE TABLE passing (id int PRIMARY KEY)");
  rotv.MustSync({"pull"});
  Exec("INSERT INTO passing VALUES (1)");
  rotv.MustSync({"pull"});
  Exec("ALTER TABLE t RENAME TO \"T 2\"; DROP TABLE passing");
  rotv.MustSync({"pull"});
  const std::string text = rotv.MustSync({"log"});
  EXPECT_THAT(text, HasSubstr("public.\"T 2\" +1"));
  EXPECT_THAT(text, HasSubstr("public.passing +1"));
  EXPECT_EQ(Transactions({"--table", "T 2"}).size(), 1U);
}

TEST_F(LogTest, FollowsUntilItIsInterrupted) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t VALUES (-1)");
  Process follow(rotv.SyncCommand({"log", "--follow"}));
  ASSERT_TRUE(follow.WaitForOutput("public.t +1", std::chrono::seconds(60))) << follow.Err();
  Exec("INSERT INTO bag VALUES ('a'), ('b')");
  ASSERT_TRUE(follow.WaitForOutput("public.bag +2", std::chrono::seconds(60))) << follow.Err();
  // Another process learns who holds the lock.
  const Result other = rotv.Sync({"pull"});
  EXPECT_EQ(other.exit_status, kInUse);
  EXPECT_THAT(other.err, HasSubstr("log --follow"));
  // The source restarts.
  rotv.server().Restart();
  sql = std::make_unique<Connection>(rotv.server().ConnectionString());
  Exec("DELETE FROM public.t WHERE id = 1");
  ASSERT_TRUE(follow.WaitForOutput("public.t -1", std::chrono::seconds(60))) << follow.Err();
  // The schema changes in between.
  Exec("ALTER TABLE public.t ADD n int; UPDATE public.t SET n = 1 WHERE id = 2");
  Exec("UPDATE public.t SET n = 2 WHERE id IN (3, 4)");
  ASSERT_TRUE(follow.WaitForOutput("public.t ~2", std::chrono::seconds(60))) << follow.Err();
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait().exit_status, 130);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

TEST_F(LogTest, FollowWritesOneDocumentPerLine) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t VALUES (-1)");
  Process follow(rotv.SyncCommand({"--json", "log", "--follow"}));
  ASSERT_TRUE(follow.WaitForOutput("\n", std::chrono::seconds(60))) << follow.Err();
  const std::string line = follow.Out().substr(0, follow.Out().find('\n'));
  EXPECT_EQ(nlohmann::json::parse(line).at("tables")[0].at("inserted"), 1);
  follow.Signal(SIGTERM);
  EXPECT_EQ(follow.Wait().exit_status, 130);
}

}  // namespace
}  // namespace rotv::testing
