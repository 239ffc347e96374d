// Commands that read run beside those that write: neither waits, and every seed is the dump at its LSN.

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/lsn.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class ReadersTest : public HistoryTest {
 protected:
  // Changes the source, which then rests until the next call, and remembers its state.
  void Change(int round) {
    const std::string n = std::to_string(round);
    std::string change = "UPDATE t SET v = 'round " + n + "' WHERE id % 3 = " + std::to_string(round % 3) +
                         "; DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag); INSERT INTO bag SELECT 'line " +
                         n + "' FROM generate_series(1, 3); INSERT INTO t (id, v, big) SELECT 10000 + " + n +
                         " * 100 + n, 'new', repeat('b', 3000) FROM generate_series(1, 50) n";
    if (round % 4 == 2) change += "; ALTER TABLE t ADD c" + n + " int DEFAULT " + n;
    if (round % 5 == 4) change += "; TRUNCATE bag";
    Exec("BEGIN;" + change + ";COMMIT");
    const Moment now = Now();
    // A head may be less than the position after the commit by a page's header, and its record is longer than that.
    constexpr uint64_t kPageHeader = 32;
    states_[Lsn(Lsn::Parse(now.lsn).value().value() - kPageHeader)] = now.dump;
  }

  // One of the ways in which a store is written.
  void Write(int round) {
    if (round % 5 == 3) {
      rotv.MustSync({"baseline", "--force"});
    } else if (round % 5 == 1) {
      Process follow(rotv.SyncCommand({"log", "--follow"}));
      const auto is_pulled = [&] { return Lsn::Parse(Head()).value() >= states_.rbegin()->first; };
      EXPECT_TRUE(WaitUntil(is_pulled)) << follow.Err();
      Change(round + 1000);
      EXPECT_TRUE(WaitUntil(is_pulled)) << follow.Err();
      follow.Signal(SIGINT);
      follow.Wait();
    } else {
      rotv.MustSync({"pull"});
    }
    if (round % 3 == 0) {
      rotv.MustSync({"snapshot", "create", "at-" + std::to_string(round)});
      rotv.MustSync({"gc", "--keep-days", "0"});
    }
    if (round % 3 == 2) rotv.Sync({"snapshot", "delete", "at-" + std::to_string(round - 2)});
  }

  // Reads in every way until the writer has ended, and keeps the seeds.
  void Read(int reader) {
    const std::vector<std::vector<std::string>> others = {
        {"status", "--offline"},  {"log"},   {"snapshot", "list"}, {"snapshot", "diff", "baseline", "head", "--rows"},
        {"check", "--read-data"}, {"status"}};
    for (size_t i = 0; !done_; ++i) {
      const std::string file = rotv.directory() / ("reader-" + std::to_string(reader) + ".sql");
      MustRead({"--json", "materialize", "--restrict", "never", "--output", file}, [&](const std::string& out) {
        const std::string lsn = nlohmann::json::parse(out).at("lsn");
        const std::lock_guard lock(mutex_);
        seeds_.emplace_back(Lsn::Parse(lsn).value(), ReadFile(file));
      });
      MustRead(others[(i + static_cast<size_t>(reader)) % others.size()], [](const std::string&) {});
    }
  }

  template <typename Take>
  void MustRead(const std::vector<std::string>& arguments, Take take) {
    const Command command = rotv.SyncCommand(arguments);
    const Result result = RunCommand(command);
    if (result.exit_status == 0) return take(result.out);
    const std::lock_guard lock(mutex_);
    failures_.push_back(Describe(command, result));
    done_ = true;
  }

  // Writes in `rounds` ways with two readers beside, and compares all that was read.
  void WriteBesideReaders(int rounds) {
    Change(0);
    rotv.MustSync({"baseline"});
    std::vector<std::thread> readers;
    readers.reserve(2);
    for (int reader = 0; reader < 2; ++reader) readers.emplace_back([this, reader] { Read(reader); });
    try {
      for (int round = 1; round <= rounds && !done_; ++round) {
        Change(round);
        Write(round);
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    done_ = true;
    for (std::thread& reader : readers) reader.join();
    for (const std::string& failure : failures_) ADD_FAILURE() << failure;
    ExpectDumps();
  }

  void ExpectDumps() {
    std::set<Lsn> lsns;
    for (const auto& [lsn, seed] : seeds_) {
      lsns.insert(lsn);
      auto state = states_.upper_bound(lsn);
      ASSERT_NE(state, states_.begin()) << lsn.ToString();
      --state;
      EXPECT_TRUE(DumpsAreEqual({"the seed at " + lsn.ToString(), seed}, {"the dump", state->second}));
      if (HasFailure()) return;
    }
    EXPECT_GT(lsns.size(), 3U) << "of " << seeds_.size() << " seeds";
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump();
    EXPECT_FALSE(std::filesystem::exists(rotv.home() / "sources/production/readers"));
  }

  std::map<Lsn, std::string> states_;  // By the LSN from which on they hold. The writer's alone.
  std::atomic<bool> done_{false};
  std::mutex mutex_;
  std::vector<std::pair<Lsn, std::string>> seeds_;
  std::vector<std::string> failures_;
};

// Labels: slow
TEST_F(ReadersTest, EverySeedBesideAWriterIsTheDumpAtItsLsn) { WriteBesideReaders(5); }

TEST_F(ReadersTest, SoakEverySeedBesideAWriterIsTheDumpAtItsLsn) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  constexpr int kRoundsAMinute = 60;
  WriteBesideReaders(kRoundsAMinute * (minutes != nullptr ? std::atoi(minutes) : 1));
}

TEST_F(ReadersTest, ASlowReaderKeepsItsStateThroughAllThatIsWritten) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t SELECT n, repeat('x', 2000) FROM generate_series(1001, 3000) n");
  rotv.MustSync({"pull"});
  const std::string dump = rotv.server().Dump();
  // The pipe is full before the seed ends.
  Command slow = rotv.SyncCommand({"materialize", "--restrict", "never", "--output", "-"});
  const std::string fifo = rotv.directory() / "go";
  MustRun({.argv = {"mkfifo", fifo}});
  const std::string pipe = "\"$@\" | { head -c 1000; echo began >&2; read go < '" + fifo + "'; cat; }";
  slow.argv.insert(slow.argv.begin(), {"sh", "-c", pipe, "sh"});
  Process reader(slow);
  ASSERT_TRUE(reader.WaitForOutput("began", std::chrono::seconds(60))) << reader.Err();
  Exec("UPDATE t SET v = 'other'; DELETE FROM t WHERE id % 2 = 0");
  rotv.MustSync({"pull"});
  rotv.MustSync({"gc", "--keep-days", "0"});
  rotv.MustSync({"baseline", "--force"});
  MustRun({.argv = {"sh", "-c", "echo go > '" + fifo + "'"}});
  const Result result = reader.Wait();
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_TRUE(DumpsAreEqual({"the seed", result.out}, {"the dump", dump}));
}

TEST_F(ReadersTest, NoReaderWaitsForALogThatIsFollowed) {
  rotv.MustSync({"baseline"});
  Process follow(rotv.SyncCommand({"log", "--follow"}));
  Exec("INSERT INTO bag VALUES ('seen')");
  ASSERT_TRUE(follow.WaitForOutput("public.bag +1", std::chrono::seconds(60))) << follow.Err();
  follow.Signal(SIGSTOP);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"status", "--offline"},
                                             {"log"},
                                             {"snapshot", "diff", "baseline", "head"},
                                             {"snapshot", "list"},
                                             {"snapshot", "export", "head", rotv.directory() / "head.rotv"},
                                             {"materialize"},
                                             {"check"},
                                             {"mask", "suggest"},
                                             {"doctor"}}) {
    ExpectExit(rotv, arguments, 0);
  }
  rotv.ExpectSeedIsDump();
  const Result writer = rotv.Sync({"pull"});
  EXPECT_EQ(writer.exit_status, kInUse);
  EXPECT_THAT(writer.err, HasSubstr("log --follow"));
  follow.Signal(SIGCONT);
}

}  // namespace
}  // namespace rotv::testing
