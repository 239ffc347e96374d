// The link into a container. A stand-in for podman on the remote host runs its arguments on the host itself, and gives
// podman's messages; the end-to-end tests use the real one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "sync/link/open_link.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.

constexpr const char* kPodman = R"(#!/bin/bash
[ "$1 $2" = "exec -i" ] || { echo "Error: not expected: $*" >&2; exit 125; }
case "$3" in
  absent) echo 'Error: no container with name or ID "absent" found: no such container' >&2; exit 125;;
  stopped) echo 'Error: can only create exec sessions on running containers: container state improper' >&2; exit 255;;
  bare) echo 'Error: OCI runtime exec failed: exec: "bash": executable file not found in $PATH' >&2; exit 127;;
esac
[ -z "$INSIDE_PATH" ] || export PATH=$INSIDE_PATH
shift 3
exec "$@"
)";

class ContainerLinkTest : public ::testing::Test {
 protected:
  ContainerLinkTest() { WriteFile(bin_ / "podman", kPodman, 0755); }

  std::unique_ptr<SshServer> MakeServer(std::vector<std::string> config_lines = {}) const {
    return std::make_unique<SshServer>(
        SshServerOptions{.config_lines = std::move(config_lines), .path_prefix = {bin_.path()}});
  }

  // An sshd whose container holds only these programs.
  std::unique_ptr<SshServer> MakeServerWith(const std::vector<std::string>& programs) const {
    for (const std::string& program : programs) {
      const std::string target =
          MustRun({.argv = {"sh", "-c", "command -v " + program}, .env = {{"PATH", "/usr/bin:/bin"}}}).out;
      std::filesystem::create_symlink(target.substr(0, target.size() - 1), inside_ / program);
    }
    WriteFile(bin_ / "podman", std::string(kPodman).insert(12, "INSIDE_PATH=" + inside_.path().string() + "\n"), 0755);
    return MakeServer();
  }

  std::unique_ptr<link::Link> Open(const SshServer& server, const std::string& host, int port,
                                   const std::string& container = "a container") {
    SourceConfig source = SourceBy(server);
    source.container = container;
    source.host = host;
    source.port = port;
    return link::OpenLink(source, private_dir_.path(), interrupt_);
  }

  std::string FailureOf(link::Link& link) {
    EXPECT_EQ(ReadToEnd(Connect(link).get()), "");
    return link.FailureReason();
  }

  TempDir bin_;
  TempDir inside_;
  TempDir private_dir_;
  Interrupt interrupt_;
};

constexpr size_t kSize = 30 * 1000 * 1000;

// Takes so many bytes, then sends as many: PostgreSQL's way, where neither peer half-closes.
void TakeAllThenGive(int fd) {
  Pattern pattern(1);
  std::vector<char> buffer(64 * 1024);
  size_t taken = 0;
  while (taken < kSize) {
    const ssize_t got = recv(fd, buffer.data(), std::min(buffer.size(), kSize - taken), 0);
    if (got <= 0 || !pattern.Matches({buffer.data(), static_cast<size_t>(got)})) return;
    taken += static_cast<size_t>(got);
  }
  SendPattern(fd, 2, kSize);
}

void ExpectWholeBothWays(link::Link& link) {
  const FileDescriptor near = Connect(link);
  SendPattern(near.get(), 1, kSize);
  EXPECT_EQ(ReadPattern(near.get(), 2), static_cast<int64_t>(kSize)) << link.FailureReason();
}

TEST_F(ContainerLinkTest, BashCarriesBytesBothWaysAndTheServersClose) {
  const auto server = MakeServer();
  TcpServer remote(TakeAllThenGive);
  ExpectWholeBothWays(*Open(*server, "127.0.0.1", remote.port()));
}

TEST_F(ContainerLinkTest, ClosingEitherEndLeavesNoProcess) {
  const auto server = MakeServerWith({"bash", "cat"});
  std::atomic<int> ends{0};
  TcpServer remote([&](int fd) {
    char byte = 0;
    SendAll(fd, ".");
    if (recv(fd, &byte, 1, 0) == 1 && byte != 'c') ReadToEnd(fd);
    ++ends;
  });
  const auto link = Open(*server, "127.0.0.1", remote.port());
  {
    const FileDescriptor near = Connect(*link);
    SendAll(near.get(), "c");
    EXPECT_EQ(ReadToEnd(near.get()), ".");  // Ends, although this end sends nothing more.
  }
  {
    // Closed before the relay has begun, it would never connect.
    const FileDescriptor near = Connect(*link);
    char byte = 0;
    EXPECT_EQ(recv(near.get(), &byte, 1, 0), 1);
    SendAll(near.get(), "x");
  }
  EXPECT_TRUE(WaitUntil([&] { return ends == 2; }));
  const auto left = [&] {
    return RunCommand({.argv = {"pgrep", "-f", "/dev/tcp/127.0.0.1/" + std::to_string(remote.port())}}).out;
  };
  EXPECT_TRUE(WaitUntil([&] { return left().empty(); })) << left();
}

// A server at a socket directory, in place of PostgreSQL.
class SocketServer {
 public:
  SocketServer(const std::string& directory, int port) {
    const std::string relay =
        "import socket,threading,sys\n"
        "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print('up',flush=True)\n"
        "def serve(c):\n"
        "  t=socket.create_connection(('127.0.0.1',int(sys.argv[2])))\n"
        "  def copy(a,b):\n"
        "    try:\n"
        "      while True:\n"
        "        d=a.recv(65536)\n"
        "        if not d: break\n"
        "        b.sendall(d)\n"
        "      b.shutdown(1)\n"
        "    except OSError: pass\n"
        "  threading.Thread(target=copy,args=(c,t)).start(); copy(t,c); c.close()\n"
        "while True:\n"
        "  threading.Thread(target=serve,args=(s.accept()[0],)).start()\n";
    process_ = std::make_unique<Process>(
        Command{.argv = {"python3", "-c", relay, directory + "/.s.PGSQL.5432", std::to_string(port)}});
    EXPECT_TRUE(process_->WaitForOutput("up", std::chrono::seconds(60))) << process_->Err();
  }

 private:
  std::unique_ptr<Process> process_;
};

class ContainerSocketTest : public ContainerLinkTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ContainerSocketTest, TheContainersProgramsCarryBytesBothWays) {
  const auto server = MakeServerWith({"bash", GetParam()});
  TcpServer remote(TakeAllThenGive);
  const TempDir sockets(TempDirName::kWithSpace);
  const SocketServer socket_server(sockets.path(), remote.port());
  ExpectWholeBothWays(*Open(*server, sockets.path(), 5432));
}

INSTANTIATE_TEST_SUITE_P(All, ContainerSocketTest, ::testing::Values("perl", "python3"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_F(ContainerLinkTest, WithoutAHostOrASocketTcpIsUsed) {
  const auto server = MakeServer();
  TcpServer remote(TakeAllThenGive);
  ExpectWholeBothWays(*Open(*server, "", remote.port()));
}

TEST_F(ContainerLinkTest, CommandsRunInsideAndEndWithTheirReader) {
  const auto server = MakeServer();
  const auto link = Open(*server, "127.0.0.1", 1);
  os::ProgramCall command = Shell("echo \"$PGPASSWORD|$A|$1\"; exit 4");
  command.argv.insert(command.argv.end(), {"x", "it's"});
  command.env["A"] = "b c";
  command.password = "pa 'ss'";
  const RunResult run = RunOn(*link, command);
  EXPECT_EQ(run.out, "pa 'ss'|b c|it's\n");
  EXPECT_EQ(run.result.exit_status, 4);

  std::string pid;
  const auto stop = [&](std::string_view piece) {
    pid.append(piece);
    interrupt_.Request();
  };
  const std::string fifo = private_dir_ / "fifo";
  MustRun({.argv = {"mkfifo", fifo}});
  EXPECT_EQ(ErrorOf([&] { link->Run(Shell("echo $$; exec cat " + fifo), stop); }).code(), ErrorCode::kInterrupted);
  EXPECT_TRUE(WaitUntil([&] { return kill(std::stoi(pid), 0) != 0; })) << "the command still runs";
}

TEST_F(ContainerLinkTest, TheReasonOfAFailureIsReported) {
  const auto server = MakeServer();
  const int closed = FreePort();
  std::string why = FailureOf(*Open(*server, "127.0.0.1", closed, "absent"));
  EXPECT_THAT(why, ::testing::HasSubstr("has no container absent"));
  why = FailureOf(*Open(*server, "127.0.0.1", closed, "stopped"));
  EXPECT_THAT(why, ::testing::HasSubstr("podman start stopped"));
  why = FailureOf(*Open(*server, "127.0.0.1", closed, "bare"));
  EXPECT_THAT(why, ::testing::HasSubstr("has no bash"));
  why = FailureOf(*Open(*server, "127.0.0.1", closed));
  EXPECT_THAT(why, ::testing::HasSubstr("nothing answers at 127.0.0.1 port " + std::to_string(closed)));

  why = FailureOf(*Open(*server, "/no/such/directory", 5433));
  EXPECT_THAT(why, ::testing::HasSubstr("/no/such/directory: there is no .s.PGSQL.5433"));

  SourceConfig source = SourceBy(*server);
  source.container = "x";
  source.runtime = "no-such-runtime";
  why = FailureOf(*link::OpenLink(source, private_dir_.path(), interrupt_));
  EXPECT_THAT(why, ::testing::HasSubstr("there is no no-such-runtime on"));
}

TEST_F(ContainerLinkTest, AHostWithShellCharactersIsAUsageError) {
  const auto server = MakeServer();
  EXPECT_EQ(ErrorOf([&] { Open(*server, "a;id", 5432); }).code(), ErrorCode::kUsage);
}

}  // namespace
}  // namespace rotv
