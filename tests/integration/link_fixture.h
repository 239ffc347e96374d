// Helpers for the tests of links: a source through a real sshd, raw connections to it, and a TCP server whose behaviour
// a test chooses for each connection.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "storage/error.h"
#include "storage/handle.h"
#include "sync/link/link.h"
#include "sync/link/open_link.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"
#include "tests/support/servers/ssh_server.h"

namespace rotv::testing {

inline SourceConfig SourceBy(const SshServer& server) {
  SourceConfig source;
  source.name = "test";
  source.ssh = server.Destination();
  source.identity = server.client_key();
  source.known_hosts = server.known_hosts();
  source.host = "127.0.0.1";
  source.database = "rotv";
  source.user = "rotv";
  return source;
}

// Sets an environment variable for one test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// Links opened with a home directory of the test's own, where ssh looks for its files, and without an agent.
class OwnHomeTest : public ::testing::Test {
 protected:
  std::unique_ptr<link::Link> Open(const SourceConfig& source) {
    return link::OpenLink(source, private_dir_.path(), interrupt_);
  }

  TempDir private_dir_;
  TempDir home_;
  ScopedVariable home_variable_{"HOME", home_.path()};
  ScopedVariable agent_variable_{"SSH_AUTH_SOCK", ""};
  Interrupt interrupt_;
};

// Bytes that differ at every offset, so that lost, doubled and moved bytes are all noticed.
class Pattern {
 public:
  explicit Pattern(uint64_t seed) : state_(seed * 2 + 1) {}

  void Fill(std::string& piece) {
    for (char& byte : piece) byte = Next();
  }
  // True if the next bytes are these.
  bool Matches(std::string_view piece) {
    for (const char byte : piece) {
      if (byte != Next()) return false;
    }
    return true;
  }

 private:
  char Next() {
    if (left_ == 0) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      word_ = state_;
      left_ = 8;
    }
    --left_;
    const char byte = static_cast<char>(word_ & 0xff);
    word_ >>= 8;
    return byte;
  }

  uint64_t state_;
  uint64_t word_ = 0;
  int left_ = 0;
};

inline void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

inline void SendPattern(int fd, uint64_t seed, size_t size) {
  Pattern pattern(seed);
  std::string piece(64 * 1024, '\0');
  while (size > 0) {
    piece.resize(std::min(size, piece.size()));
    pattern.Fill(piece);
    SendAll(fd, piece);
    size -= piece.size();
  }
}

// Reads to the end; returns the number of bytes if all follow the pattern, else minus one minus the number of correct
// ones.
inline int64_t ReadPattern(int fd, uint64_t seed) {
  Pattern pattern(seed);
  std::vector<char> buffer(64 * 1024);
  int64_t total = 0;
  while (true) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return total;
    if (!pattern.Matches(std::string_view(buffer.data(), static_cast<size_t>(got)))) return -total - 1;
    total += got;
  }
}

inline std::string ReadToEnd(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) text.append(buffer, static_cast<size_t>(got));
  return text;
}

// Listens on a free port of 127.0.0.1 and gives every connection to `serve`, each in a thread of its own.
class TcpServer {
 public:
  explicit TcpServer(std::function<void(int fd)> serve)
      : serve_(std::move(serve)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { AcceptAll(); });
  }
  ~TcpServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    for (std::thread& each : serving_) each.join();
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  int port() const { return port_; }

 private:
  void AcceptAll() {
    while (true) {
      const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      serving_.emplace_back([this, fd] {
        serve_(fd);
        close(fd);
      });
    }
  }

  std::function<void(int)> serve_;
  FileDescriptor listener_;
  int port_ = 0;
  std::vector<std::thread> serving_;
  std::thread thread_;
};

// Connects like libpq.
inline FileDescriptor Connect(link::Link& link) {
  const auto parameters = link.ConnectionParameters();
  const std::string path = parameters.at("host") + "/.s.PGSQL." + parameters.at("port");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return FileDescriptor();
  return fd;
}

struct RunResult {
  os::CommandResult result;
  std::string out;
};

inline RunResult RunOn(link::Link& link, const os::ProgramCall& command) {
  RunResult run;
  run.result = link.Run(command, [&](std::string_view piece) { run.out.append(piece); });
  return run;
}

inline os::ProgramCall Shell(const std::string& script) { return {{"sh", "-c", script}, {}, ""}; }

}  // namespace rotv::testing
