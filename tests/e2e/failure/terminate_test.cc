// SIGTERM ends every command within two seconds, whatever it is doing: the disk hangs, the server hangs, or one large
// value is processed. The next run continues.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "os/local_command.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kEndsWithin{2000};

RotvHomeOptions HomeOptions(const std::string& rules = "") {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config = rules;
  return options;
}

Result Terminate(Process& process) {
  process.Signal(SIGTERM);
  const std::optional<Result> result = process.WaitFor(kEndsWithin);
  EXPECT_TRUE(result) << "it still runs after two seconds";
  if (!result) process.Signal(SIGKILL);
  return process.Wait();
}

// True once it runs our program and has a connection: inherited sockets are closed by then.
bool HasSocket(pid_t process) {
  const std::filesystem::path directory = fmt::format("/proc/{}", process);
  std::error_code gone;
  if (std::filesystem::read_symlink(directory / "exe", gone).filename() != "rotv-sync") return false;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "fd", gone)) {
    if (std::filesystem::read_symlink(entry, gone).native().starts_with("socket:")) return true;
  }
  return false;
}

class TerminateTest : public FollowTest {
 protected:
  explicit TerminateTest(const std::string& rules = "[mask]\n\"public.t.note\" = \"text\"\n")
      : FollowTest(HomeOptions(rules)) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT i, 'note ' || i FROM "
        "generate_series(1, 2000) i");
  }

  // Every sync of the command takes for ever.
  Command OnDeadDisk(const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    const std::filesystem::path library = rotv.directory() / "slow_disk.so";  // A path without spaces.
    if (!std::filesystem::exists(library)) std::filesystem::create_symlink(ROTV_SLOW_DISK, library);
    std::filesystem::remove(Begun());
    command.env["LD_PRELOAD"] = library;
    command.env["ROTV_TEST_SYNC_MS"] = "100000";
    command.env["ROTV_TEST_SYNC_BEGUN"] = Begun();
    return command;
  }
  std::filesystem::path Begun() const { return rotv.directory() / "sync-begun"; }

  // Stops or continues all processes of the server.
  void SignalServer(int number) {
    std::ifstream file(rotv.server().data_directory() / "postmaster.pid");
    pid_t postmaster = 0;
    file >> postmaster;
    std::istringstream children(RunCommand({.argv = {"pgrep", "-P", std::to_string(postmaster)}}).out);
    kill(postmaster, number);
    for (pid_t child = 0; children >> child;) kill(child, number);
  }
};

// Labels: slow
TEST_F(TerminateTest, SigtermEndsEveryCommandOnAHangingDisk) {
  rotv.MustSync({"baseline"});
  rotv.MustSync({"snapshot", "create", "old"});
  const std::vector<std::vector<std::string>> commands = {
      {"baseline", "--force"},
      {"pull"},
      {"materialize"},
      {"snapshot", "create", "new"},
      {"snapshot", "export", "old", rotv.directory() / "old.rotv"},
      {"gc", "--keep-days", "0"},
      {"detach"},  // The last command: the slot is gone by then.
  };
  for (const std::vector<std::string>& arguments : commands) {
    SCOPED_TRACE(arguments[0] + " " + (arguments.size() > 1 ? arguments[1] : ""));
    Exec("UPDATE t SET note = note || '.'");
    Process process(OnDeadDisk(arguments));
    // A command that syncs nothing does not hang here.
    ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(Begun()) || !process.Running(); }));
    if (!process.Running()) {
      ADD_FAILURE() << "it ended by itself: " << process.Wait().err;
      continue;
    }
    const Result result = Terminate(process);
    EXPECT_EQ(result.exit_status, kInterrupted) << result.err;
    EXPECT_THAT(result.err, HasSubstr("rotv-sync: interrupted\nhint: run the same command again to continue\n"));
    if (arguments[0] != "detach") rotv.MustSync({"pull"});
  }
  rotv.MustSync({"detach"});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
}

TEST_F(TerminateTest, WithJsonTheErrorIsADocument) {
  Process process(OnDeadDisk({"--json", "baseline"}));
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(Begun()); }));
  const Result result = Terminate(process);
  EXPECT_EQ(nlohmann::json::parse(result.out).at("error").at("code"), kInterrupted) << result.out;
}

TEST_F(TerminateTest, ASecondSignalEndsItAtOnce) {
  Process process(OnDeadDisk({"baseline"}));
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(Begun()); }));
  process.Signal(SIGINT);
  EXPECT_FALSE(process.WaitFor(kEndsWithin)) << "the first signal waits for the disk";
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait().exit_status, kInterrupted);
}

TEST_F(TerminateTest, SigtermEndsEveryCommandOnAHangingServer) {
  rotv.MustSync({"baseline"});
  SignalServer(SIGSTOP);
  const std::vector<std::vector<std::string>> commands = {
      {"doctor"},        {"baseline", "--force"}, {"pull"},   {"verify"},
      {"mask", "check"}, {"mask", "suggest"},     {"status"}, {"detach"}};
  for (const auto& arguments : commands) {
    SCOPED_TRACE(arguments[0]);
    Process process(rotv.SyncCommand(arguments));
    ASSERT_TRUE(WaitUntil([&] { return HasSocket(process.pid()) || !process.Running(); }));
    const Result result = Terminate(process);
    EXPECT_EQ(result.exit_status, kInterrupted) << result.err;
  }
  SignalServer(SIGCONT);
  rotv.MustSync({"pull"});
}

double ProcessorSeconds(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string word;
  double ticks = 0;
  for (int field = 1; field <= 14 && file >> word; ++field) ticks = field == 14 ? std::atof(word.c_str()) : 0;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class TerminateInAValueTest : public TerminateTest {
 protected:
  TerminateInAValueTest() : TerminateTest("[mask]\n\"public.large.note\" = \"text\"\n") {}
};

TEST_F(TerminateInAValueTest, TheNextRunContinues) {
  Exec(
      "CREATE EXTENSION citext; CREATE TABLE large (id int PRIMARY KEY, note citext);"
      "INSERT INTO large SELECT 1, string_agg(x, '') FROM (SELECT repeat('Анна ', 1000000) AS x FROM "
      "generate_series(1, 8)) y");
  Process process(rotv.SyncCommand({"baseline"}));
  // Nothing else needs a second of processor time here.
  ASSERT_TRUE(WaitUntil([&] { return ProcessorSeconds(process.pid()) > 1 || !process.Running(); }));
  ASSERT_TRUE(process.Running()) << "masking has become too fast for this test: take a larger value";
  EXPECT_EQ(Terminate(process).exit_status, kInterrupted);
  Exec("DELETE FROM large");
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump();
}

// The programs that a command runs here (pg_dump) end with it, even if it is killed.
TEST(LocalCommandEndTest, ProgramsEndWithTheProcessThatRunsThem) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t runner = fork();
  if (runner == 0) {
    const Interrupt interrupt;
    os::RunLocalCommand(
        {.argv = {"sh", "-c", "echo $$; exec sleep 1000"}, .env = {}, .password = {}},
        [&](std::string_view text) { static_cast<void>(!write(ends[1], text.data(), text.size())); }, interrupt);
    _exit(0);
  }
  char buffer[32] = {};
  ASSERT_GT(read(ends[0], buffer, sizeof(buffer) - 1), 0);
  const auto program = std::filesystem::path("/proc") / std::to_string(std::atoi(buffer)) / "cmdline";
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
  // The process is gone, or has no command line, like a zombie.
  EXPECT_TRUE(WaitUntil([&] { return std::ifstream(program).peek() == std::ifstream::traits_type::eof(); }));
}

}  // namespace
}  // namespace rotv::testing
