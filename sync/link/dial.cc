#include "sync/link/dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "storage/error.h"

namespace rotv::link {
namespace {

using Clock = std::chrono::steady_clock;

struct Addresses {
  int error = 0;
  int system_error = 0;
  std::shared_ptr<addrinfo> addresses;
};

Addresses Resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  Addresses resolved;
  resolved.error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  resolved.system_error = errno;
  if (resolved.error == 0) resolved.addresses = std::shared_ptr<addrinfo>(list, freeaddrinfo);
  return resolved;
}

std::string Place(const DialOptions& options) { return fmt::format("{}, port {}", options.host, options.port); }

Error ConnectTimeoutError(const DialOptions& options) {
  return Error(ErrorCode::kUnreachable, fmt::format("no answer from {}", Place(options)),
               "check the network, a VPN or a firewall in between, and try again");
}

// getaddrinfo() cannot be interrupted and may wait long for a name server. So it runs in a thread that is left running
// if the caller gives up.
Addresses ResolveInterruptibly(const DialOptions& options, const Interrupt& interrupt) {
  std::packaged_task<Addresses()> task([host = options.host, port = options.port] { return Resolve(host, port); });
  std::future<Addresses> answer = task.get_future();
  std::thread(std::move(task)).detach();
  while (answer.wait_for(std::chrono::milliseconds(Interrupt::kPollMs)) != std::future_status::ready) {
    interrupt.Check();
    if (Clock::now() > options.deadline) throw ConnectTimeoutError(options);
  }
  return answer.get();
}

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

// Sets options that fail only if the kernel lacks them: the connection then only takes longer to notice its end.
void TuneSocket(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

// Connects to one address. Returns 0, or an errno.
int ConnectOne(const addrinfo& address, const FileDescriptor& socket_fd, Clock::time_point deadline,
               const Interrupt& interrupt) {
  if (connect(socket_fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  while (true) {
    interrupt.Check();
    if (Clock::now() > deadline) return ETIMEDOUT;
    pollfd polled{socket_fd.get(), POLLOUT, 0};
    if (poll(&polled, 1, Interrupt::kPollMs) <= 0) continue;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(socket_fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
  }
}

Error Unreachable(const DialOptions& options, int error) {
  if (error == ETIMEDOUT) return ConnectTimeoutError(options);
  if (error == ECONNREFUSED) {
    return Error(ErrorCode::kUnreachable, fmt::format("nothing listens at {} (connection refused)", Place(options)),
                 "is sshd running there, and is this its port?");
  }
  return Error(ErrorCode::kUnreachable, fmt::format("cannot connect to {}: {}", Place(options), std::strerror(error)),
               "check the network and try again");
}

}  // namespace

FileDescriptor DialTcp(const DialOptions& options, const Interrupt& interrupt) {
  const Addresses resolved = ResolveInterruptibly(options, interrupt);
  if (resolved.error != 0) {
    const char* why =
        resolved.error == EAI_SYSTEM ? std::strerror(resolved.system_error) : gai_strerror(resolved.error);
    throw Error(ErrorCode::kUnreachable, fmt::format("there is no host {}: {}", options.host, why),
                "check the name in `ssh` of rotv.toml, ~/.ssh/config and the network");
  }
  std::vector<const addrinfo*> addresses;
  for (const addrinfo* each = resolved.addresses.get(); each != nullptr; each = each->ai_next)
    addresses.push_back(each);

  int last_error = ETIMEDOUT;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const addrinfo& address = *addresses[i];
    FileDescriptor fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
    if (!fd) {
      last_error = errno;
      continue;
    }
    TuneSocket(fd.get());
    // Each address gets a share of the time: one that does not answer (often IPv6 without a route) leaves time for the
    // next.
    const auto share = (options.deadline - Clock::now()) / static_cast<int>(addresses.size() - i);
    const int error = ConnectOne(address, fd, Clock::now() + share, interrupt);
    if (error == 0) return fd;
    last_error = error;
  }
  throw Unreachable(options, last_error);
}

}  // namespace rotv::link
