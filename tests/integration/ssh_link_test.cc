// Connections and commands over one SSH session, with a real sshd.
//
// Labels: tsan

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "sync/link/open_link.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/sanitizers.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.

// ThreadSanitizer sees each access many times in a quarter of this, and takes a minute of a processor for all of it.
constexpr size_t kBig = (kThreadSanitizer ? 25 : 100) * 1000 * 1000;
constexpr size_t kMoreThanAllBuffers = 20 * 1000 * 1000;
constexpr size_t kSeveralKeys = 20 * 1000 * 1000;

class SshLinkTest : public ::testing::Test {
 protected:
  std::unique_ptr<link::Link> Open(int port) {
    SourceConfig source = SourceBy(server_);
    source.port = port;
    return link::OpenLink(source, private_dir_.path(), interrupt_);
  }

  SshServer server_;
  TempDir private_dir_{TempDirName::kWithSpace};
  Interrupt interrupt_;
};

// Reads to the end, then sends the number of bytes, then as many bytes back.
void TakeThenGive(int fd) {
  const int64_t taken = ReadPattern(fd, 1);
  SendPattern(fd, 2, static_cast<size_t>(std::max<int64_t>(taken, 0)));
}

TEST_F(SshLinkTest, HundredMegabytesArriveBothWaysWithAHalfCloseBetween) {
  TcpServer remote(TakeThenGive);
  const auto link = Open(remote.port());
  const FileDescriptor near = Connect(*link);
  SendPattern(near.get(), 1, kBig);
  shutdown(near.get(), SHUT_WR);
  EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kBig));
  EXPECT_GE(link->BytesReceived(), kBig);
  EXPECT_GE(link->BytesSent(), kBig);
  EXPECT_EQ(link->FailureReason(), "");
}

TEST_F(SshLinkTest, FourConnectionsCarryBothDirectionsAtOnce) {
  TcpServer remote([](int fd) {
    std::thread sender([fd] {
      SendPattern(fd, 2, kBig / 4);
      shutdown(fd, SHUT_WR);
    });
    EXPECT_EQ(ReadPattern(fd, 1), static_cast<int64_t>(kBig / 4));
    sender.join();
  });
  const auto link = Open(remote.port());
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&link] {
      const FileDescriptor near = Connect(*link);
      std::thread sender([&near] {
        SendPattern(near.get(), 1, kBig / 4);
        shutdown(near.get(), SHUT_WR);
      });
      EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kBig / 4));
      sender.join();
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST(SshLinkRekeyTest, NoByteIsLostDuringARekey) {
  SshServer server({.config_lines = {"RekeyLimit 3M"}});
  TcpServer remote(TakeThenGive);
  SourceConfig source = SourceBy(server);
  source.port = remote.port();
  const TempDir private_dir;
  const Interrupt interrupt;
  const auto link = link::OpenLink(source, private_dir.path(), interrupt);
  const FileDescriptor near = Connect(*link);
  SendPattern(near.get(), 1, kSeveralKeys);
  shutdown(near.get(), SHUT_WR);
  EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kSeveralKeys));
}

TEST_F(SshLinkTest, ACloseReachesTheOtherEnd) {
  std::atomic<bool> remote_saw_end{false};
  TcpServer remote([&](int fd) {
    char byte = 0;
    if (recv(fd, &byte, 1, 0) == 1 && byte == 'c') return;  // Closes the connection.
    remote_saw_end = recv(fd, &byte, 1, 0) <= 0;
  });
  const auto link = Open(remote.port());
  {
    const FileDescriptor near = Connect(*link);
    SendAll(near.get(), "c");
    EXPECT_EQ(ReadToEnd(near.get()), "");
  }
  {
    const FileDescriptor near = Connect(*link);
    SendAll(near.get(), "x");
  }
  EXPECT_TRUE(WaitUntil([&] { return remote_saw_end.load(); }));
}

TEST_F(SshLinkTest, AnAbandonedConnectionStopsAServerThatKeepsSending) {
  std::atomic<bool> stopped{false};
  TcpServer remote([&](int fd) {
    const std::string piece(1 << 20, 'x');
    while (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) {
    }
    stopped = true;
  });
  const auto link = Open(remote.port());
  {
    const FileDescriptor near = Connect(*link);
    char byte = 0;
    ASSERT_EQ(recv(near.get(), &byte, 1, 0), 1);
  }
  EXPECT_TRUE(WaitUntil([&] { return stopped.load(); }));
  // The session still works.
  EXPECT_EQ(RunOn(*link, Shell("echo yes")).out, "yes\n");
}

// Waits until no more bytes come.
uint64_t SettledBytes(const link::Link& link) {
  uint64_t last = 0;
  int unchanged = 0;
  WaitUntil([&] {
    const uint64_t now = link.BytesReceived();
    unchanged = now == last ? unchanged + 1 : 0;
    last = now;
    return unchanged >= 20 && now > 0;
  });
  return last;
}

TEST_F(SshLinkTest, AStalledReaderStopsTheSenderAndGetsEverythingLater) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, kBig); });
  const auto link = Open(remote.port());
  const FileDescriptor near = Connect(*link);
  EXPECT_LT(SettledBytes(*link), 8'000'000u);
  EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kBig));
}

// libssh opens a channel's window with every read, however little was read: a slow reader must not make it take in
// everything that the remote host has.
TEST_F(SshLinkTest, ASlowReaderDoesNotGrowMemory) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, kBig); });
  const auto link = Open(remote.port());
  const FileDescriptor near = Connect(*link);
  std::vector<char> buffer(64 * 1024);
  uint64_t taken = 0;
  for (int i = 0; taken < kBig / 2; ++i) {
    const ssize_t got = recv(near.get(), buffer.data(), buffer.size(), 0);
    ASSERT_GT(got, 0);
    taken += static_cast<uint64_t>(got);
    if (i % 4 == 0) NapBetweenPolls();
  }
  EXPECT_LT(SettledBytes(*link) - taken, 8'000'000u);
}

TEST_F(SshLinkTest, AStalledConnectionDoesNotBlockOthers) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, kMoreThanAllBuffers); });
  const auto link = Open(remote.port());
  const FileDescriptor stalled = Connect(*link);
  SettledBytes(*link);
  const FileDescriptor near = Connect(*link);
  EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kMoreThanAllBuffers));
}

TEST_F(SshLinkTest, RunReturnsOutputErrorsAndStatus) {
  const auto link = Open(1);
  const RunResult run =
      RunOn(*link, {{"sh", "-c", "echo \"$1|$A\"; echo err >&2; exit 3", "x", "it's a $word"}, {{"A", "x 'y'"}}, ""});
  EXPECT_EQ(run.out, "it's a $word|x 'y'\n");
  EXPECT_EQ(run.result.stderr_text, "err\n");
  EXPECT_EQ(run.result.exit_status, 3);
}

TEST_F(SshLinkTest, RunReportsMissingAndKilledCommands) {
  const auto link = Open(1);
  EXPECT_EQ(RunOn(*link, {{"no-such-program"}, {}, ""}).result.exit_status, 127);
  EXPECT_EQ(RunOn(*link, Shell("kill -TERM $$")).result.exit_status, 128 + 15);
}

TEST_F(SshLinkTest, RunReturnsHundredMegabytesIntact) {
  const TempDir directory;
  std::string bytes(kBig, '\0');
  Pattern(7).Fill(bytes);
  WriteFile(directory / "a file", bytes);
  const auto link = Open(1);
  Pattern expected(7);
  size_t size = 0;
  bool right = true;
  const auto check = [&](std::string_view piece) {
    right = right && expected.Matches(piece);
    size += piece.size();
  };
  EXPECT_EQ(link->Run({{"cat", directory / "a file"}, {}, ""}, check).exit_status, 0);
  EXPECT_EQ(size, kBig);
  EXPECT_TRUE(right);
}

TEST_F(SshLinkTest, ConcurrentRunsDoNotMix) {
  const auto link = Open(1);
  std::vector<std::thread> threads;
  for (const char* word : {"one", "two", "three"}) {
    threads.emplace_back([&link, word] {
      std::string expected;
      for (int i = 0; i < 200'000; ++i) expected += std::string(word) + "\n";
      EXPECT_EQ(RunOn(*link, Shell("yes " + std::string(word) + " | head -n 200000")).out, expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SshLinkTest, ThePasswordReachesTheCommandButNoProcessList) {
  const auto link = Open(1);
  const std::string password = "pa ss'\\\"w$(id)`";
  os::ProgramCall command =
      Shell("printf '%s|' \"$PGPASSWORD\"; cat; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; done");
  command.password = password;
  const RunResult run = RunOn(*link, command);
  EXPECT_TRUE(run.out.starts_with(password + "|")) << run.out.substr(0, 100);
  EXPECT_THAT(run.out.substr(password.size()), ::testing::Not(::testing::HasSubstr("pa ss'")))
      << "it is in a command line";
}

TEST_F(SshLinkTest, AReaderThatThrowsEndsTheRemoteCommand) {
  const auto link = Open(1);
  std::string pid;
  const auto fail = [&](std::string_view piece) {
    pid.append(piece);
    throw std::runtime_error("the disk is full");
  };
  // A command that would neither write again nor check its output.
  const std::string fifo = private_dir_ / "fifo";
  MustRun({.argv = {"mkfifo", fifo}});
  EXPECT_THROW(link->Run(Shell("echo $$; exec cat '" + fifo + "'"), fail), std::runtime_error);
  EXPECT_TRUE(WaitUntil([&] { return kill(std::stoi(pid), 0) != 0; })) << "the command still runs";
}

TEST_F(SshLinkTest, AnInterruptEndsARunSoon) {
  const auto link = Open(1);
  const auto request = [&](std::string_view) { interrupt_.Request(); };
  EXPECT_EQ(ErrorOf([&] { link->Run(Shell("echo go; exec tail -f /dev/null"), request); }).code(),
            ErrorCode::kInterrupted);
}

TEST_F(SshLinkTest, AKilledSessionIsReportedAsUnreachable) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, kBig); });
  const auto link = Open(remote.port());
  const FileDescriptor near = Connect(*link);
  char byte = 0;
  ASSERT_EQ(recv(near.get(), &byte, 1, 0), 1);
  const auto kill_sessions = [&](std::string_view) { server_.KillSessions(); };
  const Error error = ErrorOf([&] { link->Run(Shell("echo go; exec tail -f /dev/null"), kill_sessions); });
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr(server_.Destination()));
  ReadToEnd(near.get());  // Returns when the other end closes.
  EXPECT_THAT(link->FailureReason(), ::testing::HasSubstr("broke"));
  EXPECT_EQ(ErrorOf([&] { link->Run(Shell("true"), [](std::string_view) {}); }).code(), ErrorCode::kUnreachable);
  EXPECT_TRUE(WaitUntil([&] { return !Connect(*link); })) << "there is still a listener";
}

size_t OpenFiles() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST_F(SshLinkTest, NoFileConnectionOrSessionRemains) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, 1000); });
  Open(remote.port());
  const size_t before = OpenFiles();
  for (int i = 0; i < 3; ++i) {
    const auto link = Open(remote.port());
    EXPECT_EQ(ReadPattern(Connect(*link).get(), 2), 1000);
    RunOn(*link, Shell("true"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(private_dir_.path()));
  EXPECT_TRUE(WaitUntil([&] { return OpenFiles() == before; })) << OpenFiles() << " open files, before " << before;
  EXPECT_TRUE(WaitUntil([&] { return server_.Sessions() == 0; }));
}

TEST_F(SshLinkTest, ADirectoryTooLongForASocketPathWorks) {
  TcpServer remote([](int fd) { SendPattern(fd, 2, 1000); });
  const std::string long_dir = private_dir_ / std::string(100, 'd');
  std::filesystem::create_directory(long_dir);
  SourceConfig source = SourceBy(server_);
  source.port = remote.port();
  std::string host;
  {
    const auto link = link::OpenLink(source, long_dir, interrupt_);
    host = link->ConnectionParameters().at("host");
    EXPECT_EQ(ReadPattern(Connect(*link).get(), 2), 1000);
    EXPECT_EQ(std::filesystem::status(host).permissions(), std::filesystem::perms::owner_all);
  }
  EXPECT_FALSE(std::filesystem::exists(host));
}

TEST_F(SshLinkTest, ASocketLeftByAKilledRunIsReplaced) {
  WriteFile(private_dir_ / ".s.PGSQL.5432", "");
  TcpServer remote([](int fd) { SendPattern(fd, 2, 1000); });
  const auto link = Open(remote.port());
  EXPECT_EQ(ReadPattern(Connect(*link).get(), 2), 1000);
}

}  // namespace
}  // namespace rotv
