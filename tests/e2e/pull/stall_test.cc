// A link that silently carries nothing any more: every command ends within the bound, after whichever byte it happens,
// and continues later without harm.

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

constexpr int kStallSeconds = 4;
// The bound for checks, the end of child processes and, over SSH, a keepalive that is being sent; and for busy
// machines.
constexpr double kMostSeconds = 3 * kStallSeconds + 20;

// One run with a home and a link of its own, so that many can stall at the same time.
class StallingRun {
 public:
  StallingRun(RotvHome& rotv, Way way, SshServer* ssh) {
    const bool direct = way == Way::kDirect;
    link_ = std::make_unique<SlowLink>(SlowLinkOptions{.target_port = direct ? rotv.server().port() : ssh->port(),
                                                       .delay_each_way = std::chrono::milliseconds(1),
                                                       .megabits_per_second = 16});
    std::string source = fmt::format("[sources.production]\nstall_timeout = {}\n", kStallSeconds);
    if (direct) {
      source += fmt::format("url = \"postgresql://rotv@127.0.0.1:{}/rotv\"\n", link_->port());
    } else {
      ssh->TrustPort(link_->port());
      source += fmt::format(
          "ssh = \"{}@127.0.0.1:{}\"\nidentity = \"{}\"\nknown_hosts = \"{}\"\nhost = \"127.0.0.1\"\nport = {}\n"
          "database = \"rotv\"\nuser = \"rotv\"\n",
          ssh->user(), link_->port(), ssh->client_key().string(), ssh->known_hosts().string(), rotv.server().port());
    }
    WriteFile(directory_ / "rotv.toml", source);
    command_ = rotv.SyncCommand({});
    command_.argv.resize(1);
    command_.argv.insert(command_.argv.end(), {"--home", directory_ / "home", "--config", directory_ / "rotv.toml"});
  }

  Command CommandFor(const std::vector<std::string>& arguments) const {
    Command command = command_;
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return command;
  }

  SlowLink& link() { return *link_; }

 private:
  TempDir directory_;
  std::unique_ptr<SlowLink> link_;
  Command command_;
};

class StallTest : public ::testing::TestWithParam<Way> {
 protected:
  StallTest() : rotv_({.binary = ROTV_SYNC_BINARY, .way = GetParam() == Way::kDirect ? Way::kDirect : Way::kSshTcp}) {
    rotv_.server().Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text);"
        "INSERT INTO t SELECT n, md5(n::text) || md5((-n)::text) FROM generate_series(1, 100000) n");
  }

  std::unique_ptr<StallingRun> NewRun() {
    return std::make_unique<StallingRun>(rotv_, GetParam(), GetParam() == Way::kDirect ? nullptr : &rotv_.ssh());
  }

  RotvHome rotv_;
};

// Labels: slow
TEST_P(StallTest, EveryCommandEndsWithinTheBoundAfterAnyByte) {
  struct Stalled {
    std::string what;
    std::unique_ptr<StallingRun> run;
    std::unique_ptr<Process> process;
  };
  std::vector<Stalled> stalled;
  const auto start = [&](std::unique_ptr<StallingRun> run, const std::vector<std::string>& command, uint64_t after) {
    if (after == 0) {
      run->link().Freeze();
    } else {
      run->link().FreezeAfter(after);
    }
    auto process = std::make_unique<Process>(run->CommandFor(command));
    stalled.push_back({fmt::format("{} after {} bytes", command[0], after), std::move(run), std::move(process)});
  };
  // From the first byte on: connecting, logging in, the catalogue, pg_dump, the rows.
  for (const uint64_t after : {0, 20, 400, 4'000, 20'000, 60'000, 120'000, 300'000, 2'000'000}) {
    start(NewRun(), {"baseline", "--no-retry"}, after);
  }
  for (const uint64_t after : {0, 1'000}) start(NewRun(), {"doctor"}, after);
  for (Stalled& each : stalled) {
    SCOPED_TRACE(each.what);
    const std::optional<Result> result = each.process->WaitFor(std::chrono::seconds(60));
    ASSERT_TRUE(result.has_value()) << "it does not end";
    EXPECT_TRUE(each.run->link().frozen()) << "too late: " << result->out << result->err;
    EXPECT_EQ(result->exit_status, kUnreachable) << result->out << result->err;
    EXPECT_LT(result->seconds, kMostSeconds);
  }
}

// Labels: slow
TEST_P(StallTest, CommandsOnAnExistingStoreEndWithinTheBoundToo) {
  struct Stalled {
    std::vector<std::string> arguments;
    uint64_t after = 0;
    std::unique_ptr<StallingRun> run;
    std::unique_ptr<Process> process;
  };
  std::vector<Stalled> stalled;
  for (const uint64_t after : {0, 3'000, 1'000'000})
    stalled.push_back({{"pull", "--no-retry"}, after, NewRun(), nullptr});
  stalled.push_back({{"verify", "--no-retry"}, 10'000, NewRun(), nullptr});
  stalled.push_back({{"detach", "--no-retry"}, 600, NewRun(), nullptr});
  // They run one after the other: on a busy machine five at once may make a login take longer than the bound of a test.
  for (Stalled& each : stalled) MustRun(each.run->CommandFor({"baseline"}));
  rotv_.server().Exec("UPDATE t SET v = v || 'x'");
  for (Stalled& each : stalled) {
    if (each.after == 0) {
      each.run->link().Freeze();
    } else {
      each.run->link().FreezeAfter(each.after);
    }
    each.process = std::make_unique<Process>(each.run->CommandFor(each.arguments));
  }
  for (Stalled& each : stalled) {
    SCOPED_TRACE(fmt::format("{} after {} bytes", each.arguments[0], each.after));
    const std::optional<Result> result = each.process->WaitFor(std::chrono::seconds(60));
    ASSERT_TRUE(result.has_value()) << "it does not end";
    EXPECT_TRUE(each.run->link().frozen()) << "too late: " << result->out << result->err;
    EXPECT_EQ(result->exit_status, kUnreachable) << result->out << result->err;
    EXPECT_LT(result->seconds, kMostSeconds);
  }
  // Once the link carries bytes again, all of them continue.
  for (Stalled& each : stalled) {
    SCOPED_TRACE(each.arguments[0]);
    each.run->link().Thaw();
    MustRun(each.run->CommandFor(each.arguments));
  }
}

// A client that vanishes leaves no session that holds the source back: not even if sshd, or a proxy, keeps all of its
// connections open.
TEST_P(StallTest, TheSourceEndsSessionsWithinTheBoundWithoutADisconnect) {
  std::unique_ptr<StallingRun> run = NewRun();
  Process baseline(run->CommandFor({"baseline"}));
  const auto sessions = [&](const std::string& condition) {
    return std::stoi(
        rotv_.server().Value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE "
                             "'rotv-sync %' AND pid <> pg_backend_pid() AND " +
                                 condition,
                             kSuperuser));
  };
  ASSERT_TRUE(WaitUntil([&] { return sessions("query LIKE '%COPY %'") > 0 && sessions("query LIKE 'DO %'") > 0; },
                        std::chrono::seconds(60)))
      << baseline.Err();
  EXPECT_GT(sessions("backend_xmin IS NOT NULL"), 0);
  run->link().Freeze();
  baseline.Signal(SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return sessions("true") == 0; }, std::chrono::seconds(kStallSeconds * 3)))
      << sessions("true");
}

// A busy server is silent too, and is waited for.
// Labels: slow
TEST_P(StallTest, AStatementLongerThanTheBoundIsWaitedFor) {
  std::unique_ptr<StallingRun> run = NewRun();
  Connection writer = rotv_.server().NewConnection();
  writer.Exec("BEGIN; UPDATE t SET v = 'open' WHERE id = 1");  // The new slot waits for it.
  Process baseline(run->CommandFor({"baseline"}));
  EXPECT_FALSE(baseline.WaitFor(std::chrono::seconds(kStallSeconds * 2)).has_value())
      << baseline.Out() << baseline.Err();
  writer.Exec("COMMIT");
  const Result result = baseline.Wait();
  EXPECT_TRUE(result.ok()) << result.out << result.err;
}

INSTANTIATE_TEST_SUITE_P(Ways, StallTest, ::testing::Values(Way::kDirect, Way::kSshTcp),
                         [](const auto& each) { return each.param == Way::kDirect ? "Url" : "Ssh"; });

}  // namespace
}  // namespace rotv::testing
