#include "sync/link/tunnel.h"

#include <libssh/server.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "storage/error.h"

// libssh may be used by one thread at a time only, and a session has one socket for all of its channels. So one thread
// owns the session and every channel, in one poll() loop over the session's socket, the local sockets and a wake-up
// eventfd. Other threads put requests into a list under a mutex and wake the loop: no lock is held while libssh runs,
// and no two threads ever touch the session. libpq sees plain unix sockets and needs no change.
//
// Invariants: a ChannelSpec's on_end is called exactly once for each channel, whether it ends, never opens or the
// session is lost (AbortAll and EndUnopened cover the last cases); and a callback must not wait, since it would stop
// all channels.
//
// Flow control comes from SSH: a channel whose local socket is full leaves its data in libssh's buffer, its window
// closes, and the other channels go on. The session is read in bounded turns (kReadsInARow), so that one busy channel
// does not starve the others. A dead session is noticed by counting unanswered keepalives, and not by a clock: a
// process that was stopped, or a laptop that slept, must not give up a link that still works.
//
// A thread for each channel with a lock around libssh would not do: a blocking call for one channel would hold the lock
// and so block all of them.

namespace rotv::link {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kKeepalivesUnanswered = 4;  // The link counts as dead with more than these.
constexpr int kSocketBufferBytes = 1 << 20;
constexpr size_t kUploadBytes = 256 * 1024;
constexpr int kReadsInARow = 64;  // libssh reads 4 KiB a call: this many before other channels have a turn.

void EnlargeBuffers(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
}

struct EventDeleter {
  void operator()(ssh_event event) const { ssh_event_free(event); }
};

void EndUnopened(const ChannelSpec& spec, const std::string& reason) {
  ChannelEnd end;
  end.failure = reason;
  end.session_lost = true;
  if (spec.on_end) spec.on_end(end);
}

}  // namespace

// The state of the tunnel's thread. No other thread touches it.
class Tunnel::Pump {
 public:
  explicit Pump(Tunnel& tunnel) : tunnel_(tunnel), session_(tunnel.session_->get()), event_(ssh_event_new()) {
    ssh_event_add_session(event_.get(), session_);
    ssh_set_counters(session_, &wire_, nullptr);
  }
  ~Pump() {
    ssh_set_counters(session_, nullptr, nullptr);
    ssh_event_remove_session(event_.get(), session_);
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Runs until the tunnel is stopped (returns an empty string) or the session is lost (returns the reason).
  std::string Run() {
    while (!tunnel_.stop_) {
      TakeRequests();
      Poll();
      if (polled_[0].revents != 0) ReadWakeUps();
      if (polled_[1].revents != 0) HandlePackets();
      KeepAlive();
      std::string lost = WhyLost();
      if (!lost.empty()) return lost;
      AcceptConnections();
      AdvanceChannels();
    }
    return "";
  }

  void AbortAll(const std::string& reason) {
    for (const auto& channel : channels_) channel->Abort(reason);
    channels_.clear();
    listeners_.clear();
  }

 private:
  struct Listener {
    FileDescriptor fd;
    ChannelSpec spec;
  };

  void TakeRequests() {
    std::vector<Request> requests;
    {
      const std::lock_guard lock(tunnel_.mutex_);
      requests.swap(tunnel_.requests_);
    }
    for (Request& request : requests) {
      if (request.listens) {
        listeners_.push_back({std::move(request.fd), std::move(request.spec)});
      } else {
        AddChannel(std::move(request.fd), std::move(request.spec));
      }
    }
  }

  void AddChannel(FileDescriptor local, ChannelSpec spec) {
    EnlargeBuffers(local.get());
    channels_.push_back(std::make_unique<TunnelChannel>(session_, std::move(spec), std::move(local)));
  }

  bool CanWrite() const { return (ssh_get_status(session_) & SSH_WRITE_PENDING) == 0; }

  // Fills polled_ in this order: wake-up, session, listeners, channels; then polls.
  void Poll() {
    polled_.clear();
    polled_.push_back({tunnel_.wake_.get(), POLLIN, 0});
    short session_events = POLLIN;
    if ((ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0) session_events |= POLLOUT;
    polled_.push_back({ssh_get_fd(session_), session_events, 0});
    for (const Listener& listener : listeners_) polled_.push_back({listener.fd.get(), POLLIN, 0});
    const bool can_write = CanWrite();
    for (const auto& channel : channels_) polled_.push_back({channel->fd(), channel->PollEvents(can_write), 0});

    const auto until_keepalive =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_keepalive_ - Clock::now()).count();
    poll(polled_.data(), polled_.size(), static_cast<int>(std::clamp<int64_t>(until_keepalive, 0, 15'000)));
  }

  void ReadWakeUps() {
    uint64_t count = 0;
    if (read(tunnel_.wake_.get(), &count, sizeof count) < 0) return;  // Nothing to read: an earlier call took it.
  }

  void HandlePackets() {
    for (int i = 0; i < kReadsInARow; ++i) {
      const uint64_t before = wire_.in_bytes;
      if (ssh_event_dopoll(event_.get(), 0) == SSH_ERROR || wire_.in_bytes == before) break;
    }
  }

  // libssh keeps one global request at a time: the first call only collects the answer to the last request if it has
  // come, and the second one sends.
  void KeepAlive() {
    tunnel_.bytes_sent_ = wire_.out_bytes;
    if (tunnel_.bytes_received_ != wire_.in_bytes) {
      tunnel_.bytes_received_ = wire_.in_bytes;
      unanswered_ = 0;
    }
    if (Clock::now() < next_keepalive_) return;
    next_keepalive_ = Clock::now() + tunnel_.keepalive_interval_;
    ssh_send_keepalive(session_);
    ssh_send_keepalive(session_);
    ++unanswered_;
  }

  std::string WhyLost() const {
    const std::string& label = tunnel_.session_->label();
    if (ssh_is_connected(session_) == 0 || (ssh_get_status(session_) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0) {
      return fmt::format("the SSH connection to {} broke: {}", label, ssh_get_error(session_));
    }
    if (unanswered_ > kKeepalivesUnanswered) {
      return fmt::format(
          "the SSH connection to {} is dead: nothing was received for {} s", label,
          std::chrono::duration_cast<std::chrono::seconds>(tunnel_.keepalive_interval_ * (kKeepalivesUnanswered + 1))
              .count());
    }
    return "";
  }

  void AcceptConnections() {
    for (size_t i = 0; i < listeners_.size(); ++i) {
      if (polled_[2 + i].revents == 0) continue;
      FileDescriptor local(accept4(listeners_[i].fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (local) AddChannel(std::move(local), listeners_[i].spec);
    }
  }

  // Advances every channel, even one that was not polled: the session's packets may have given it something to do.
  void AdvanceChannels() {
    const size_t first = 2 + listeners_.size();
    for (size_t i = 0; i < channels_.size(); ++i) {
      const short revents = first + i < polled_.size() ? polled_[first + i].revents : short{0};
      channels_[i]->Advance(revents, CanWrite(), buffer_);
    }
    std::erase_if(channels_, [](const auto& channel) { return channel->finished(); });
  }

  Tunnel& tunnel_;
  ssh_session session_;
  std::unique_ptr<ssh_event_struct, EventDeleter> event_;
  ssh_counter_struct wire_{};
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<TunnelChannel>> channels_;
  std::vector<pollfd> polled_;
  std::vector<char> buffer_ = std::vector<char>(kUploadBytes);
  Clock::time_point next_keepalive_ = Clock::now() + tunnel_.keepalive_interval_;
  int unanswered_ = 0;  // Keepalives since anything was received.
};

Tunnel::Tunnel(std::unique_ptr<SshSession> session, std::chrono::milliseconds stall_timeout)
    : session_(std::move(session)),
      keepalive_interval_(stall_timeout / (kKeepalivesUnanswered + 1)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Main(); }) {}

Tunnel::~Tunnel() {
  stop_ = true;
  Wake();
  thread_.join();
}

void Tunnel::Main() {
  // libssh writes to a proxy's pipe with write(). With SIGPIPE blocked a broken pipe is an error like others.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  Pump pump(*this);
  std::string reason = pump.Run();
  if (reason.empty()) reason = "the link was closed";
  std::vector<Request> late;
  {
    const std::lock_guard lock(mutex_);
    lost_ = reason;
    late.swap(requests_);
  }
  pump.AbortAll(reason);
  for (const Request& request : late) {
    if (!request.listens) EndUnopened(request.spec, reason);
  }
}

void Tunnel::Wake() {
  const uint64_t one = 1;
  if (write(wake_.get(), &one, sizeof one) < 0) return;  // The counter is full: the thread is about to wake anyway.
}

void Tunnel::Submit(Request request) {
  std::string lost;
  {
    const std::lock_guard lock(mutex_);
    lost = lost_;
    if (lost.empty()) requests_.push_back(std::move(request));
  }
  if (lost.empty()) {
    Wake();
  } else if (!request.listens) {
    EndUnopened(request.spec, lost);
  }
}

void Tunnel::Listen(FileDescriptor listener, ChannelSpec spec) { Submit({std::move(listener), std::move(spec), true}); }

void Tunnel::Attach(FileDescriptor local, ChannelSpec spec) { Submit({std::move(local), std::move(spec), false}); }

std::string Tunnel::Lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace rotv::link
