#include "sync/link/password_relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/error.h"
#include "storage/handle.h"
#include "sync/link/dial.h"
#include "sync/link/login_inspector.h"

// libpq before 16 has no require_auth: a server that asks for the password in cleartext gets it. With TLS,
// channel_binding=require prevents that; without TLS nothing in libpq does. So libpq connects to a socket of this
// relay, which passes the server's bytes through a LoginInspector and cuts the connection before a cleartext request
// reaches libpq.
//
// Invariant: no byte from the server reaches libpq that the inspector has not released. The other direction needs no
// inspection: libpq sends its password only when asked.
//
// The cost is one thread for each connection and one more copy of each byte, all through the connection's life: libpq
// owns its socket and cannot be given another one after the login. Each direction has one buffer, which must be empty
// before more is read, so a slow reader slows the writer down and memory is bounded. The alternative, to do the login
// here, would mean a second implementation of SCRAM.

namespace rotv::link {
namespace {

constexpr std::chrono::seconds kDialLimit{15};
constexpr size_t kBufferBytes = size_t{256} << 10;

// One direction of a connection, with the bytes that were read and not yet written.
struct Flow {
  int from = -1;
  int to = -1;
  std::string bytes = {};
  size_t written = 0;
  bool ended = false;
  bool told = false;

  bool Full() const { return written < bytes.size(); }
};

// Writes what can be written now. False if the receiving end is gone.
bool Write(Flow& flow) {
  while (flow.Full()) {
    const ssize_t count =
        send(flow.to, flow.bytes.data() + flow.written, flow.bytes.size() - flow.written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    flow.written += static_cast<size_t>(count);
  }
  if (flow.ended && !std::exchange(flow.told, true)) shutdown(flow.to, SHUT_WR);
  return true;
}

bool Read(Flow& flow, std::vector<char>& buffer, LoginInspector* inspector) {
  const ssize_t count = recv(flow.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  const std::string_view got(buffer.data(), static_cast<size_t>(count));
  flow.ended = got.empty();
  flow.written = 0;
  flow.bytes = inspector == nullptr ? std::string(got) : inspector->Feed(got);
  return inspector == nullptr || inspector->objection().empty();
}

short EventsOf(const Flow& reads, const Flow& writes) {
  const short in = reads.Full() || reads.ended ? 0 : POLLIN;
  return static_cast<short>(in | (writes.Full() ? POLLOUT : 0));
}

}  // namespace

PasswordRelay::PasswordRelay(Server server, const std::string& private_dir)
    : server_(std::move(server)),
      place_(private_dir),
      listener_(place_.TakeListener()),
      accepting_([this] { AcceptAll(); }) {}

PasswordRelay::~PasswordRelay() {
  stop_.Request();
  shutdown(listener_.get(), SHUT_RDWR);
  accepting_.join();
  for (std::thread& each : carrying_) each.join();
}

std::string PasswordRelay::Failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void PasswordRelay::SetFailure(const std::string& why) {
  const std::lock_guard lock(mutex_);
  failure_ = why;
}

void PasswordRelay::AcceptAll() {
  while (!stop_.requested()) {
    pollfd polled{listener_.get(), POLLIN, 0};
    poll(&polled, 1, -1);
    FileDescriptor local(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!local) continue;
    carrying_.emplace_back([this, fd = std::make_shared<FileDescriptor>(std::move(local))] { Carry(std::move(*fd)); });
  }
}

void PasswordRelay::Carry(FileDescriptor local) {
  FileDescriptor remote;
  try {
    remote = DialTcp({server_.host, server_.port, std::chrono::steady_clock::now() + kDialLimit}, stop_);
  } catch (const Error& error) {
    SetFailure(error.what());
    return;
  }
  SetFailure("");
  LoginInspector inspector;
  std::vector<char> buffer(kBufferBytes);
  Flow up{local.get(), remote.get()};
  Flow down{remote.get(), local.get()};
  while (!stop_.requested() && !(up.told && down.told)) {
    std::array<pollfd, 2> polled{pollfd{local.get(), EventsOf(up, down), 0},
                                 pollfd{remote.get(), EventsOf(down, up), 0}};
    if (poll(polled.data(), polled.size(), Interrupt::kPollMs) <= 0) continue;
    const bool local_reads = (polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !up.Full() && !up.ended;
    const bool remote_reads = (polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !down.Full() && !down.ended;
    bool alive = !local_reads || Read(up, buffer, nullptr);
    alive = alive && (!remote_reads || Read(down, buffer, &inspector));
    alive = alive && Write(up) && Write(down);
    const bool gone =
        ((polled[0].revents | polled[1].revents) & (POLLHUP | POLLERR)) != 0 && !local_reads && !remote_reads;
    if (!alive || gone) break;
  }
  if (!inspector.objection().empty()) SetFailure(inspector.objection());
}

}  // namespace rotv::link
