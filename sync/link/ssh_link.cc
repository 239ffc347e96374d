#include "sync/link/ssh_link.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/link/channel_failure.h"
#include "sync/link/remote_shell.h"
#include "sync/link/socket_place.h"
#include "sync/link/ssh_session.h"
#include "sync/link/tunnel.h"

namespace rotv::link {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

std::vector<Destination> DestinationsOf(const SourceConfig& source) {
  using To = Destination::Kind;
  if (!source.container.empty()) return {{To::kCommand, RelayCommandLine(source), 0}};
  const std::string socket_name = fmt::format("/.s.PGSQL.{}", source.port);
  // The usual directories are that of packages, then PostgreSQL's own default.
  if (source.host.empty()) {
    return {{To::kSocket, "/var/run/postgresql" + socket_name, 0}, {To::kSocket, "/tmp" + socket_name, 0}};
  }
  if (source.host.starts_with('/')) return {{To::kSocket, source.host + socket_name, 0}};
  return {{To::kTcp, source.host, source.port}};
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
    throw Error(ErrorCode::kUsage, fmt::format("cannot make a socket: {}", std::strerror(errno)));
  }
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

class SshLink : public Link {
 public:
  SshLink(const SourceConfig& source, const std::string& private_dir, const Interrupt& interrupt)
      : source_(source),
        interrupt_(interrupt),
        destinations_(DestinationsOf(source)),
        session_(SshSession::Connect({ParseSshTarget(source.ssh), source.identity, source.known_hosts, StallTimeout()},
                                     interrupt)),
        label_(session_->label()),
        key_warnings_(session_->warnings()),
        socket_(private_dir),
        tunnel_(std::move(session_), StallTimeout()) {
    ChannelSpec spec;
    spec.destinations = destinations_;
    spec.on_first_byte = [this] { SetFailure(""); };
    spec.on_end = [this](const ChannelEnd& end) {
      const std::string why = ChannelFailure(end, source_, label_);
      if (!why.empty()) SetFailure(why);
    };
    tunnel_.Listen(socket_.TakeListener(), std::move(spec));
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
    for (const std::string& line : key_warnings_) warnings.push_back({line, ""});
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
    const auto box = std::make_shared<EndBox>();
    ChannelSpec spec;
    spec.destinations = {{Destination::Kind::kCommand, CommandLine(command, source_), 0}};
    if (!command.password.empty()) spec.first_bytes = command.password + "\n";
    spec.on_end = [box](const ChannelEnd& end) {
      const std::lock_guard lock(box->mutex);
      box->end = end;
    };
    SocketPair pair = MakeSocketPair();
    tunnel_.Attach(std::move(pair.tunnels), std::move(spec));
    ReadAll(pair.ours.get(), on_stdout, command.while_quiet);
    const std::lock_guard lock(box->mutex);
    return ResultOf(box->end.value_or(ChannelEnd{}));
  }

  // pg_dump runs where the server is: without -h it uses the usual socket directory.
  std::vector<std::string> DumpArguments() override {
    std::vector<std::string> arguments;
    if (!source_.host.empty()) arguments.insert(arguments.end(), {"-h", source_.host});
    arguments.insert(arguments.end(), {"-p", std::to_string(source_.port)});
    if (!source_.user.empty()) arguments.insert(arguments.end(), {"-U", source_.user});
    if (!source_.database.empty()) arguments.insert(arguments.end(), {"-d", source_.database});
    return arguments;
  }

  std::string FailureReason() const override {
    std::string lost = tunnel_.Lost();
    if (!lost.empty()) return lost;
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  std::string Description() const override {
    return source_.container.empty() ? label_ : fmt::format("{}, container {}", label_, source_.container);
  }

  uint64_t BytesReceived() const override { return tunnel_.BytesReceived(); }
  uint64_t BytesSent() const override { return tunnel_.BytesSent(); }

 private:
  void SetFailure(const std::string& why) {
    const std::lock_guard lock(mutex_);
    failure_ = why;
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
      throw Error(ErrorCode::kRefused, ChannelFailure(end, source_, label_));
    }
    if (!end.exit_status) {
      throw LinkError(LinkError::Kind::kBroke, fmt::format("{} ended a command without an exit status", label_),
                      "run the same command again to go on");
    }
    return {*end.exit_status, end.stderr_text};
  }

  const SourceConfig source_;
  const Interrupt& interrupt_;
  const std::vector<Destination> destinations_;
  std::unique_ptr<SshSession> session_;  // Moved into the tunnel.
  const std::string label_;
  const std::vector<std::string> key_warnings_;
  SocketPlace socket_;

  mutable std::mutex mutex_;
  std::string failure_;  // Guarded by mutex_.

  Tunnel tunnel_;  // Last: its thread calls back into the rest.
};

}  // namespace

std::unique_ptr<Link> OpenSshLink(const SourceConfig& source, const std::string& private_dir,
                                  const Interrupt& interrupt) {
  return std::make_unique<SshLink>(source, private_dir, interrupt);
}

}  // namespace rotv::link
