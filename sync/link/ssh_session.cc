#include "sync/link/ssh_session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "fmt/format.h"
#include "os/process_environment.h"
#include "storage/error.h"
#include "sync/link/dial.h"
#include "sync/link/ssh_host_key.h"
#include "sync/link/ssh_login.h"
#include "sync/link/ssh_settings.h"

namespace rotv::link {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kConnectLimit{15'000};
constexpr std::chrono::milliseconds kLoginLimit{30'000};  // A remote host with slow name servers takes long.

// The ciphers that cost least come first (processors support AES-GCM, which needs no separate MAC), then those that
// every server knows.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";

// zlib@openssh.com begins after the login, so that nobody reaches zlib without one; sshd knows no other since 7.4.
constexpr const char* kCompressed = "zlib@openssh.com,none";
constexpr const char* kPlain = "none";

// Blocks SIGPIPE: libssh writes to a ProxyCommand's pipe with write(), so a proxy that dies would kill this process.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeBlocked() {
    const timespec no_wait{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &no_wait);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

std::string OptionOf(ssh_session session, ssh_options_e option) {
  char* value = nullptr;
  if (ssh_options_get(session, option, &value) != SSH_OK || value == nullptr) return "";
  std::string text = value;
  ssh_string_free_char(value);
  return text;
}

void Set(ssh_session session, ssh_options_e option, const std::string& value) {
  if (ssh_options_set(session, option, value.c_str()) != SSH_OK) {
    throw Error(ErrorCode::kUsage,
                fmt::format("\"{}\" is not a value that libssh takes: {}", value, ssh_get_error(session)));
  }
}

// Sets the session's options: rotv.toml has precedence over ~/.ssh/config, which has precedence over our own defaults.
// In libssh the last call wins.
void Configure(ssh_session session, const SshOptions& options) {
  Set(session, SSH_OPTIONS_HOST, options.target.host);
  // This fails if a policy forbids one of them: then the defaults stay.
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, kCiphers);
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, kCiphers);
  // libssh takes the home directory from the user database; other programs (and tests) use HOME.
  if (const std::string home = os::TakenVariable("HOME"); !home.empty()) {
    Set(session, SSH_OPTIONS_SSH_DIR, home + "/.ssh");
  }
  if (ssh_options_parse_config(session, nullptr) != SSH_OK) {
    throw Error(ErrorCode::kUsage, fmt::format("~/.ssh/config cannot be read: {}", ssh_get_error(session)));
  }
  Set(session, SSH_OPTIONS_COMPRESSION, options.compress == Compress::kAlways ? kCompressed : kPlain);
  if (!options.target.user.empty()) Set(session, SSH_OPTIONS_USER, options.target.user);
  if (options.target.port != 0) {
    const unsigned port = static_cast<unsigned>(options.target.port);
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  }
  if (OptionOf(session, SSH_OPTIONS_USER).empty()) ssh_options_set(session, SSH_OPTIONS_USER, nullptr);
  ssh_set_blocking(session, 0);
}

SshTarget Resolved(ssh_session session) {
  SshTarget target;
  target.user = OptionOf(session, SSH_OPTIONS_USER);
  target.host = OptionOf(session, SSH_OPTIONS_HOST);
  unsigned port = 0;
  ssh_options_get_port(session, &port);
  target.port = static_cast<int>(port);
  return target;
}

[[noreturn]] void ThrowHandshakeFailure(ssh_session session, const SshWait& wait, const std::string& proxy) {
  const std::string why = ssh_get_error(session);
  if (why.find("kex error") != std::string::npos) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{} and this program have no SSH algorithm in common: {}", wait.label, why),
                "allow one in the remote host's sshd_config, or in Ciphers, MACs and KexAlgorithms of ~/.ssh/config");
  }
  if (!proxy.empty()) {
    throw Error(ErrorCode::kUnreachable,
                fmt::format("the connection to {} through `{}` failed: {}", wait.label, proxy, why),
                fmt::format("run the ProxyCommand by hand, or: ssh -v {}", wait.label));
  }
  throw Error(ErrorCode::kUnreachable,
              fmt::format("{} closed the connection during the SSH handshake: {}", wait.label, why),
              "is this the port of sshd? It may also be too busy just now (MaxStartups): try again");
}

// Connects the session by a socket of ours, so that it can be interrupted; a proxy makes its own connection.
void Handshake(ssh_session session, const SshWait& wait) {
  const SshTarget target = Resolved(session);
  std::string proxy = OptionOf(session, SSH_OPTIONS_PROXYCOMMAND);
  if (proxy == "none") proxy.clear();
  if (proxy.empty()) {
    const FileDescriptor socket_fd = DialTcp({target.host, target.port, wait.deadline}, wait.interrupt);
    // libssh gets a copy, because it closes it: after an error at once, else in the session's deleter.
    const int fd = fcntl(socket_fd.get(), F_DUPFD_CLOEXEC, 0);
    ssh_options_set(session, SSH_OPTIONS_FD, &fd);
  }
  const int result = wait.Until(SSH_AGAIN, [&] { return ssh_connect(session); });
  if (result != SSH_OK) ThrowHandshakeFailure(session, wait, proxy);
}

// libssh makes the socket blocking once it is connected; a stalled link would then block the whole thread.
void MakeNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace

std::unique_ptr<SshSession> SshSession::Connect(const SshOptions& options, const Interrupt& interrupt) {
  const SigpipeBlocked no_sigpipe;
  const std::string identity = ExpandHome(options.identity);
  if (!identity.empty()) CheckKeyFile(identity);  // This needs no network, so it comes first.
  const SshSettings settings = ReadSshSettings(options.target, interrupt);

  SshHandle handle(ssh_new());
  if (handle == nullptr) throw Error(ErrorCode::kBug, "libssh could not create a session");
  Configure(handle.get(), options);
  const std::string label = ToString(Resolved(handle.get()));
  const HostKeyPlace place = PlaceOf(Resolved(handle.get()), settings, options.known_hosts);
  PreferKnownKeys(handle.get(), place, settings);
  SshWait wait{handle.get(), interrupt, Clock::now() + std::min(kConnectLimit, options.stall_timeout), label};
  Handshake(handle.get(), wait);
  CheckHostKey(handle.get(), place, interrupt);
  wait.deadline = Clock::now() + std::min(kLoginLimit, options.stall_timeout);
  std::vector<std::string> warnings = LogIn(wait, identity, settings.identity_files);
  MakeNonBlocking(ssh_get_fd(handle.get()));
  std::unique_ptr<SshSession> session(new SshSession(std::move(handle), label));
  session->warnings_ = std::move(warnings);
  return session;
}

}  // namespace rotv::link
