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
constexpr std::chrono::milliseconds kLoginLimit{30'000};  // A far end that asks slow name servers takes its time.

// The ciphers that cost least first (AES-GCM has help from the processor and needs no separate MAC), then what every
// server knows.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";

// libssh writes to a ProxyCommand's pipe with write(), so that a proxy that dies would kill this process.
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

// What rotv.toml says goes before ~/.ssh/config, which goes before our own wishes. libssh lets the last setter win.
void Configure(ssh_session session, const SshOptions& options) {
  Set(session, SSH_OPTIONS_HOST, options.target.host);
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, kCiphers);  // Refused where a policy forbids one: defaults stay.
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, kCiphers);
  // libssh looks the home directory up in the user database; everybody else, and a test, goes by HOME.
  if (const std::string home = os::TakenVariable("HOME"); !home.empty()) {
    Set(session, SSH_OPTIONS_SSH_DIR, home + "/.ssh");
  }
  if (ssh_options_parse_config(session, nullptr) != SSH_OK) {
    throw Error(ErrorCode::kUsage, fmt::format("~/.ssh/config cannot be read: {}", ssh_get_error(session)));
  }
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
    throw Error(
        ErrorCode::kRefused, fmt::format("{} speaks SSH with no method that this side knows: {}", wait.label, why),
        "the far end's sshd_config, or Ciphers, MACs and KexAlgorithms in ~/.ssh/config, must allow one of them");
  }
  if (!proxy.empty()) {
    throw Error(ErrorCode::kUnreachable,
                fmt::format("the way to {} through `{}` broke off: {}", wait.label, proxy, why),
                fmt::format("run the ProxyCommand by hand, or: ssh -v {}", wait.label));
  }
  throw Error(ErrorCode::kUnreachable,
              fmt::format("{} broke the connection off while it was made: {}", wait.label, why),
              "is this the port of sshd? It may also be too busy just now (MaxStartups): try again");
}

// Connects the session: by a socket of ours, which can be interrupted, except through a proxy.
void Handshake(ssh_session session, const SshWait& wait) {
  const SshTarget target = Resolved(session);
  std::string proxy = OptionOf(session, SSH_OPTIONS_PROXYCOMMAND);
  if (proxy == "none") proxy.clear();
  if (proxy.empty()) {
    const FileDescriptor socket_fd = DialTcp({target.host, target.port, wait.deadline}, wait.interrupt);
    // A copy, because libssh closes it: in an error at once, else in the session's deleter.
    const int fd = fcntl(socket_fd.get(), F_DUPFD_CLOEXEC, 0);
    ssh_options_set(session, SSH_OPTIONS_FD, &fd);
  }
  const int result = wait.Until(SSH_AGAIN, [&] { return ssh_connect(session); });
  if (result != SSH_OK) ThrowHandshakeFailure(session, wait, proxy);
}

// libssh makes the socket blocking once connected; a stalled link would then hold up everything the thread does.
void MakeNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace

std::unique_ptr<SshSession> SshSession::Connect(const SshOptions& options, const Interrupt& interrupt) {
  const SigpipeBlocked no_sigpipe;
  const std::string identity = ExpandHome(options.identity);
  if (!identity.empty()) CheckKeyFile(identity);  // Before anything goes over the network.
  const SshSettings settings = ReadSshSettings(options.target, interrupt);

  SshHandle handle(ssh_new());
  if (handle == nullptr) throw Error(ErrorCode::kBug, "libssh gives no session");
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
