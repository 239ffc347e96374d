#include "sync/link/ssh_link.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/link/channel_failure.h"
#include "sync/link/container_relay.h"
#include "sync/link/remote_command.h"
#include "sync/link/remote_shell.h"
#include "sync/link/socket_place.h"
#include "sync/link/ssh_session.h"
#include "sync/link/ssh_tunnels.h"

namespace rotv::link {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

std::vector<Destination> DestinationsOf(const SourceConfig& source) {
  using To = Destination::Kind;
  const std::string socket_name = fmt::format("/.s.PGSQL.{}", source.port);
  // The usual directories are that of packages, then PostgreSQL's own default.
  if (source.host.empty()) {
    return {{To::kSocket, "/var/run/postgresql" + socket_name, 0}, {To::kSocket, "/tmp" + socket_name, 0}};
  }
  if (source.host.starts_with('/')) return {{To::kSocket, source.host + socket_name, 0}};
  return {{To::kTcp, source.host, source.port}};
}

// The directory of a socket to which a channel has opened; empty for a host.
std::string DirectoryOf(const Destination& destination) {
  if (destination.kind != Destination::Kind::kSocket) return "";
  return destination.what.substr(0, destination.what.rfind('/'));
}

// EndBox carries the end of a command from the tunnel's thread to the caller.
struct EndBox {
  std::mutex mutex;
  std::optional<ChannelEnd> end;
};

struct SocketPair {
  FileDescriptor ours;
  FileDescriptor tunnels;
};

SocketPair MakeSocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    throw Error(ErrorCode::kCannotStart, fmt::format("cannot make a socket: {}", std::strerror(errno)));
  }
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

class SshLink : public Link {
 public:
  SshLink(const SourceConfig& source, const std::string& private_dir, const Interrupt& interrupt)
      : source_(source),
        interrupt_(interrupt),
        relay_(source.container.empty() ? "" : RelayCommandLine(source)),
        socket_(private_dir),
        tunnels_({ParseSshTarget(source.ssh), source.identity, source.known_hosts, StallTimeout(), source.compress},
                 interrupt) {
    ChannelSpec spec;
    spec.destinations = source.container.empty() ? DestinationsOf(source) : DestinationsInContainer();
    spec.begins = kBegins;
    spec.on_open = [this, inside = Directory()](const Destination& destination) {
      const bool is_socket = destination.kind == Destination::Kind::kSocket;
      SetDirectory(source_.container.empty() ? DirectoryOf(destination) : is_socket ? inside : "");
    };
    spec.on_first_byte = [this] { SetFailure(""); };
    spec.on_end = [this](const ChannelEnd& end) {
      const std::string why = ChannelFailure(end, source_, tunnels_.label());
      if (!why.empty()) SetFailure(why);
    };
    tunnels_.Listen(socket_.TakeListener(), spec);
  }

  std::map<std::string, std::string> ConnectionParameters() override {
    // The socket is the local end of our tunnel. Settings of the environment for other servers must not prevent this
    // connection.
    std::map<std::string, std::string> parameters = {{"host", socket_.directory()},
                                                     {"port", std::to_string(SocketPlace::kPort)},
                                                     {"sslmode", "disable"},
                                                     {"ssl_min_protocol_version", "TLSv1.2"},
                                                     {"ssl_max_protocol_version", "TLSv1.3"},
                                                     {"gssencmode", "disable"},
                                                     {"channel_binding", "disable"}};
    if (PQlibVersion() >= 160000) {
      parameters["require_auth"] = "none,password,md5,gss,sspi,scram-sha-256";
      parameters["sslcertmode"] = "allow";
    }
    if (!source_.user.empty()) parameters["user"] = source_.user;
    if (!source_.database.empty()) parameters["dbname"] = source_.database;
    return parameters;
  }

  std::vector<LinkWarning> Warnings() const override {
    std::vector<LinkWarning> warnings;
    for (const std::string& line : tunnels_.warnings()) warnings.push_back({line, ""});
    return warnings;
  }

  std::chrono::milliseconds StallTimeout() const override { return std::chrono::seconds(source_.stall_timeout_s); }

  std::vector<std::string> PasswordHosts() const override {
    std::vector<std::string> hosts = {ParseSshTarget(source_.ssh).host};
    if (!source_.host.empty()) hosts.push_back(source_.host);
    if (source_.host.empty() || source_.host.starts_with('/')) hosts.emplace_back("localhost");
    return hosts;
  }

  std::string PasswordPort() const override { return std::to_string(source_.port); }

  os::CommandResult Run(const os::ProgramCall& command,
                        const std::function<void(std::string_view)>& on_stdout) override {
    if (command.password.find_first_of("\r\n") != std::string::npos) {
      throw Error(ErrorCode::kUsage, "a password that contains a line break cannot be handed over");
    }
    return ResultOf(RunLine(CommandLine(command, source_), command, on_stdout));
  }

  // pg_dump runs where the server is, and goes where our connections go. In a container without a known directory
  // PGHOST says it (CommandLine()).
  std::vector<std::string> DumpArguments() override {
    std::vector<std::string> arguments;
    const std::string found = Directory();
    if (!found.empty()) {
      arguments.insert(arguments.end(), {"-h", found});
    } else if (!source_.host.empty() && source_.container.empty()) {
      arguments.insert(arguments.end(), {"-h", source_.host});
    }
    arguments.insert(arguments.end(), {"-p", std::to_string(source_.port)});
    if (!source_.user.empty()) arguments.insert(arguments.end(), {"-U", source_.user});
    if (!source_.database.empty()) arguments.insert(arguments.end(), {"-d", source_.database});
    return arguments;
  }

  std::string FailureReason() const override {
    std::string lost = tunnels_.Lost();
    if (!lost.empty()) return lost;
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  std::string Description() const override {
    return source_.container.empty() ? tunnels_.label()
                                     : fmt::format("{}, container {}", tunnels_.label(), source_.container);
  }

  uint64_t BytesReceived() const override { return tunnels_.BytesReceived(); }
  uint64_t BytesSent() const override { return tunnels_.BytesSent(); }

 private:
  void SetFailure(const std::string& why) {
    const std::lock_guard lock(mutex_);
    failure_ = why;
  }

  // The directory of the socket that our connections go to, as pg_dump sees it; empty if it is not known.
  std::string Directory() const {
    const std::lock_guard lock(mutex_);
    return directory_;
  }
  void SetDirectory(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    directory_ = directory;
  }

  // A socket that sshd can connect to spares a `podman exec` for each connection, which takes longer than all else.
  // The relay serves if sshd cannot or may not, and after the container has been started again.
  std::vector<Destination> DestinationsInContainer() {
    std::vector<Destination> destinations;
    const std::string line = FindSocketCommandLine(source_);
    if (!line.empty()) {
      std::string said;
      const ChannelEnd end = RunLine(line, {}, [&said](std::string_view part) { said.append(part); });
      if (const auto socket = ParseContainerSocket(said, source_.port); socket && end.exit_status == 0) {
        destinations.push_back({Destination::Kind::kSocket, socket->host_path, 0});
        SetDirectory(socket->directory);
      }
    }
    destinations.push_back({Destination::Kind::kCommand, relay_, 0});
    return destinations;
  }

  // Runs a command line once.
  ChannelEnd RunLine(const std::string& line, const os::ProgramCall& command,
                     const std::function<void(std::string_view)>& on_stdout) {
    const auto box = std::make_shared<EndBox>();
    ChannelSpec spec;
    spec.destinations = {{Destination::Kind::kCommand, line, 0}};
    spec.begins = kBegins;
    if (!command.password.empty()) spec.first_bytes = command.password + "\n";
    spec.on_end = [box](const ChannelEnd& end) {
      const std::lock_guard lock(box->mutex);
      box->end = end;
    };
    SocketPair pair = MakeSocketPair();
    tunnels_.Attach(std::move(pair.tunnels), spec);
    ReadAll(pair.ours.get(), on_stdout, command.while_quiet);
    const std::lock_guard lock(box->mutex);
    return box->end.value_or(ChannelEnd{});
  }

  void ReadAll(int fd, const std::function<void(std::string_view)>& on_stdout,
               const std::function<void()>& while_quiet) const {
    std::vector<char> buffer(kReadBytes);
    while (true) {
      interrupt_.Check();
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) {
        on_stdout(std::string_view(buffer.data(), static_cast<size_t>(got)));
      } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        pollfd polled{fd, POLLIN, 0};
        if (poll(&polled, 1, Interrupt::kPollMs) == 0 && while_quiet) while_quiet();
      } else {
        return;
      }
    }
  }

  os::CommandResult ResultOf(const ChannelEnd& end) const {
    if (end.session_lost) throw LinkError(LinkError::Kind::kBroke, end.failure, "run the same command again to go on");
    if (end.refused && !end.failure.empty()) {
      throw Error(ErrorCode::kRefused, ChannelFailure(end, source_, tunnels_.label()),
                  "allow it in sshd_config there and reload sshd");
    }
    if (end.not_begun && end.exit_status) throw NotBegun(end, source_, tunnels_.label());
    if (!end.exit_status) {
      throw LinkError(LinkError::Kind::kBroke,
                      fmt::format("{} ended a command without an exit status", tunnels_.label()),
                      "run the same command again to go on");
    }
    return {*end.exit_status, end.stderr_text};
  }

  const SourceConfig source_;
  const Interrupt& interrupt_;
  const std::string relay_;  // The command line of a relay into the container; empty without one.
  SocketPlace socket_;

  mutable std::mutex mutex_;
  std::string failure_;    // Guarded by mutex_.
  std::string directory_;  // See Directory(). Guarded by mutex_.

  SshTunnels tunnels_;  // Its threads call back into the rest.
};

}  // namespace

std::unique_ptr<Link> OpenSshLink(const SourceConfig& source, const std::string& private_dir,
                                  const Interrupt& interrupt) {
  return std::make_unique<SshLink>(source, private_dir, interrupt);
}

}  // namespace rotv::link
