// A home that cannot be written, by its mount or by its permissions, serves what only reads, and says so to the rest.

#include <csignal>

#include "fmt/format.h"
#include "storage/source_lock.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

// The permissions of the tests' own user are taken away; root, who needs none, gets a mount for reading only.
class ReadOnlyHomeTest : public FollowTest {
 protected:
  ReadOnlyHomeTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, repeat('v', 400) FROM generate_series(1, "
        "500) n");
    rotv.MustSync({"baseline"});
    rotv.MustSync({"snapshot", "create", "before"});
    Exec("UPDATE t SET v = 'w' WHERE id < 9");
    rotv.MustSync({"pull"});
    whole_ = Output({"materialize", "--restrict", "never", "--output", "-"}, rotv.SyncCommand({}));
    TakeWritingAway();
  }
  ~ReadOnlyHomeTest() override { SetWritable(true); }

  // Does nothing as root, whose commands get a mount (Unwritable).
  void TakeWritingAway() {
    if (geteuid() != 0) SetWritable(false);
  }
  void SetWritable(bool writable) {
    const fs::perms perms = writable ? fs::perms::owner_all : fs::perms::owner_read | fs::perms::owner_exec;
    for (const auto& entry : fs::recursive_directory_iterator(rotv.home())) {
      if (entry.is_directory()) fs::permissions(entry.path(), perms);
    }
    fs::permissions(rotv.home(), perms);
  }

  // The command, where the home cannot be written.
  Command Unwritable(const std::vector<std::string>& arguments) const {
    Command command = rotv.SyncCommand(arguments);
    if (geteuid() != 0) return command;
    const std::string mount =
        fmt::format("mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}' && exec \"$@\"", rotv.home().string());
    command.argv.insert(command.argv.begin(), {"unshare", "--mount", "sh", "-c", mount, "sh"});
    return command;
  }

  static std::string Output(const std::vector<std::string>& arguments, Command command) {
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, 0) << Describe(command, result);
    return result.out;
  }

  std::string whole_;
};

TEST_F(ReadOnlyHomeTest, WhatOnlyReadsWorks) {
  const auto read = [&](const std::vector<std::string>& arguments) { return Output(arguments, Unwritable({})); };
  EXPECT_NE(read({"status", "--offline"}).find("production"), std::string::npos);
  EXPECT_NE(read({"log"}).find("~8"), std::string::npos) << read({"log"});
  EXPECT_TRUE(read({"materialize", "--restrict", "never", "--output", "-"}) == whole_);
  const std::string elsewhere = rotv.directory() / "elsewhere.sql";
  read({"materialize", "--snapshot", "before", "--output", elsewhere});
  EXPECT_NE(read({"snapshot", "list"}).find("before"), std::string::npos);
  EXPECT_NE(read({"snapshot", "diff", "before", "head"}).find("public.t"), std::string::npos);
  read({"snapshot", "export", "before", rotv.directory() / "before.rotv"});
  EXPECT_NE(read({"check", "--read-data"}).find("No damage"), std::string::npos);
}

TEST_F(ReadOnlyHomeTest, WhatWritesSaysThatItCannot) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"pull"}, {"status"}, {"snapshot", "create", "x"}, {"gc"}, {"check", "--repair"}, {"baseline", "--force"}}) {
    const Result result = RunCommand(Unwritable(arguments));
    EXPECT_EQ(result.exit_status, 6) << arguments.front() << result.err;
    EXPECT_NE(result.err.find(fmt::format("the home directory {} cannot be written", rotv.home().string())),
              std::string::npos)
        << arguments.front() << result.err;
  }
  const Result result = RunCommand(Unwritable({"materialize"}));
  EXPECT_EQ(result.exit_status, 6) << result.err;
  EXPECT_NE(result.err.find("cannot write " + (rotv.home() / "seed-data.sql").string()), std::string::npos)
      << result.err;
}

TEST_F(ReadOnlyHomeTest, SeveralReadersShareItAndAWriterElsewhereExcludesThem) {
  {
    SetWritable(true);
    const SourceLock writer(rotv.home() / "sources" / "production", "a writer", Access::kWrite);
    TakeWritingAway();  // From the others: the writer has its lock.
    const Result result = RunCommand(Unwritable({"log"}));
    EXPECT_EQ(result.exit_status, 10) << result.err;
    EXPECT_NE(result.err.find("a writer"), std::string::npos) << result.err;
  }
  // The pipe is full before the seed ends, so the first reader holds the lock.
  Command held = Unwritable({"materialize", "--output", "-"});
  held.argv = {"sh", "-c", "\"$@\" | { read line; echo began; exec sleep 60; }", "sh"};
  const Command reader = Unwritable({"materialize", "--output", "-"});
  held.argv.insert(held.argv.end(), reader.argv.begin(), reader.argv.end());
  Process first(held);
  ASSERT_TRUE(first.WaitForOutput("began", std::chrono::seconds(60)));
  EXPECT_EQ(RunCommand(Unwritable({"log"})).exit_status, 0);
  first.SignalGroup(SIGKILL);
}

}  // namespace
}  // namespace rotv::testing
