#include "tests/support/servers/slow_link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <list>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/servers/loopback.h"

namespace rotv::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPieceBytes = 8192;  // 1.3 ms at 50 Mbit/s.
// How much time's worth of bytes the link queues before it stops reading, like a router. Without a limit everything
// would be read at once, and the sender would never notice the link's speed.
constexpr std::chrono::milliseconds kQueue{50};

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::runtime_error(std::string("slow link: ") + what + ": " + std::generic_category().message(errno));
}

void NoNagle(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Piece {
  Clock::time_point due;
  std::string bytes;
  size_t written = 0;
};

// One direction of one connection.
struct Flow {
  int from = -1;
  int to = -1;
  bool read_ended = false;   // `from` sends no more.
  bool write_ended = false;  // and `to` has been shut down.
  std::deque<Piece> pieces;
};

}  // namespace

struct SlowLink::Pair {
  int client = -1;
  int target = -1;
  Flow up;
  Flow down;
  bool broken = false;
  bool frozen = false;
};

class SlowLink::Pump {
 public:
  explicit Pump(SlowLink& link) : link_(link) {}

  ~Pump() {
    for (Pair& pair : pairs_) Close(pair);
  }

  void RunCommand() {
    while (!link_.stop_) {
      Wait();
      if (link_.break_now_) {
        FailAll(Fault::kReset);
        link_.break_now_ = false;
      }
      if (link_.freeze_open_) {
        for (Pair& pair : pairs_) pair.frozen = true;
        link_.freeze_open_ = false;
      }
      if (!link_.frozen_) {
        Accept();
        for (Pair& pair : pairs_) {
          Move(pair, pair.up, up_free_, link_.bytes_to_target_);
          Move(pair, pair.down, down_free_, link_.bytes_to_client_);
        }
        // Each has its turn: a slow link has room for one piece at a time, and the first would always take it.
        if (!pairs_.empty()) pairs_.splice(pairs_.end(), pairs_, pairs_.begin());
        const uint64_t freeze_limit = link_.freeze_after_;
        if (freeze_limit != 0 && link_.bytes_to_client_ >= freeze_limit) {
          link_.freeze_after_ = 0;
          link_.frozen_ = true;
        }
        const uint64_t limit = link_.fail_after_;
        if (limit != 0 && link_.bytes_to_client_ >= limit) {
          link_.fail_after_ = 0;
          FailAll(link_.fault_);
        }
      }
      Sweep();
    }
  }

 private:
  // Waits until a socket has bytes for us, or a piece is due.
  void Wait() {
    std::vector<pollfd> fds = {{link_.wake_fd_, POLLIN, 0}};
    auto due = Clock::time_point::max();
    const auto now = Clock::now();
    if (!link_.frozen_) {
      fds.push_back({link_.listen_fd_, POLLIN, 0});
      for (const Pair& pair : pairs_) {
        if (pair.frozen) continue;
        WaitFor(pair.up, up_free_, now, fds, due);
        WaitFor(pair.down, down_free_, now, fds, due);
      }
    }
    timespec timeout{0, 100'000'000};
    if (due != Clock::time_point::max()) {
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due - now).count();
      timeout.tv_nsec = std::clamp<long>(left, 0, timeout.tv_nsec);
    }
    ppoll(fds.data(), fds.size(), &timeout, nullptr);
    uint64_t ignored = 0;
    if ((fds[0].revents & POLLIN) != 0 && read(link_.wake_fd_, &ignored, sizeof ignored) < 0) return;
  }

  static void WaitFor(const Flow& flow, Clock::time_point link_free, Clock::time_point now, std::vector<pollfd>& fds,
                      Clock::time_point& due) {
    if (!flow.read_ended) {
      if (link_free <= now + kQueue) {
        fds.push_back({flow.from, POLLIN, 0});
      } else {
        due = std::min(due, link_free - kQueue);
      }
    }
    if (!flow.pieces.empty()) {
      if (flow.pieces.front().due <= now) {
        fds.push_back({flow.to, POLLOUT, 0});
      } else {
        due = std::min(due, flow.pieces.front().due);
      }
    }
  }

  void Accept() {
    while (true) {
      const int client = accept4(link_.listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = Loopback(link_.options_.target_port);
      if (connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(target);
        close(client);
        continue;
      }
      fcntl(target, F_SETFL, O_NONBLOCK);
      NoNagle(client);
      NoNagle(target);
      Pair pair;
      pair.client = client;
      pair.target = target;
      pair.up.from = pair.down.to = client;
      pair.up.to = pair.down.from = target;
      pairs_.push_back(std::move(pair));
      link_.connections_ = static_cast<int>(pairs_.size());
    }
  }

  void Move(Pair& pair, Flow& flow, Clock::time_point& link_free, std::atomic<uint64_t>& count) {
    if (pair.broken || pair.frozen) return;
    TakeIn(pair, flow, link_free);
    SendOut(pair, flow, count);
  }

  // Reads one piece only, so that a busy connection leaves room for the others.
  void TakeIn(Pair& pair, Flow& flow, Clock::time_point& link_free) const {
    const auto now = Clock::now();
    if (flow.read_ended || link_free > now + kQueue) return;
    char buffer[kPieceBytes];
    const ssize_t n = read(flow.from, buffer, sizeof buffer);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) pair.broken = true;
      return;
    }
    if (n == 0) {
      flow.read_ended = true;
      return;
    }
    link_free = std::max(link_free, now);
    if (const double megabits = link_.megabits_; megabits > 0) {
      const double seconds = static_cast<double>(n) * 8 / (megabits * 1e6);
      link_free += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    }
    flow.pieces.push_back(
        {link_free + std::chrono::microseconds(link_.delay_us_), std::string(buffer, static_cast<size_t>(n)), 0});
  }

  static void SendOut(Pair& pair, Flow& flow, std::atomic<uint64_t>& count) {
    const auto now = Clock::now();
    while (!flow.pieces.empty() && flow.pieces.front().due <= now) {
      Piece& piece = flow.pieces.front();
      const ssize_t n =
          send(flow.to, piece.bytes.data() + piece.written, piece.bytes.size() - piece.written, MSG_NOSIGNAL);
      if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) pair.broken = true;
        return;
      }
      count += static_cast<uint64_t>(n);
      piece.written += static_cast<size_t>(n);
      if (piece.written < piece.bytes.size()) return;
      flow.pieces.pop_front();
    }
    if (flow.read_ended && flow.pieces.empty() && !flow.write_ended) {
      shutdown(flow.to, SHUT_WR);
      flow.write_ended = true;
    }
  }

  void FailAll(Fault fault) {
    if (!pairs_.empty()) ++link_.faults_;
    for (Pair& pair : pairs_) {
      if (fault == Fault::kReset) pair.broken = true;
      if (fault == Fault::kFreeze) pair.frozen = true;
      if (fault == Fault::kEndToClient) End(pair.down);
      if (fault == Fault::kEndToTarget) End(pair.up);
    }
  }

  static void End(Flow& flow) {
    if (!flow.write_ended) shutdown(flow.to, SHUT_WR);
    flow.pieces.clear();
    flow.read_ended = flow.write_ended = true;
  }

  void Sweep() {
    std::erase_if(pairs_, [](Pair& pair) {
      if (!pair.broken && !(pair.up.write_ended && pair.down.write_ended)) return false;
      Close(pair);
      return true;
    });
    link_.connections_ = static_cast<int>(pairs_.size());
  }

  // A broken connection is reset, so that neither peer takes it for an orderly end.
  static void Close(Pair& pair) {
    for (const int fd : {pair.client, pair.target}) {
      const linger reset{1, 0};
      if (pair.broken) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      close(fd);
    }
  }

  SlowLink& link_;
  std::list<Pair> pairs_;
  Clock::time_point up_free_;  // The time when the link has sent all bytes that it took in.
  Clock::time_point down_free_;
};

SlowLink::SlowLink(const SlowLinkOptions& options) : options_(options) {
  SetSpeed(options.delay_each_way, options.megabits_per_second);
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listen_fd_ < 0) ThrowErrno("socket");
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listen_fd_, 100) != 0 ||
      getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    ThrowErrno("listen");
  }
  port_ = ntohs(address.sin_port);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) ThrowErrno("eventfd");
  thread_ = std::thread([this] { Pump(*this).RunCommand(); });
}

SlowLink::~SlowLink() {
  stop_ = true;
  Wake();
  thread_.join();
  close(listen_fd_);
  close(wake_fd_);
}

void SlowLink::Wake() const {
  const uint64_t one = 1;
  if (write(wake_fd_, &one, sizeof one) < 0) return;  // The pipe is full: it wakes the thread anyway.
}

void SlowLink::ResetCounts() {
  bytes_to_target_ = 0;
  bytes_to_client_ = 0;
}

void SlowLink::Freeze() {
  frozen_ = true;
  Wake();
}

void SlowLink::FreezeOpenOnes() {
  freeze_open_ = true;
  Wake();
  while (freeze_open_) std::this_thread::yield();
}

void SlowLink::Thaw() {
  frozen_ = false;
  Wake();
}

void SlowLink::Break() {
  break_now_ = true;
  Wake();
  while (break_now_) std::this_thread::yield();
}

void SlowLink::FreezeAfter(uint64_t bytes_to_client) {
  freeze_after_ = bytes_to_client_ + bytes_to_client;
  Wake();
}

void SlowLink::FailAfter(Fault fault, uint64_t bytes_to_client) {
  fail_after_ = 0;
  fault_ = fault;
  fail_after_ = bytes_to_client == 0 ? 0 : bytes_to_client_ + bytes_to_client;
  Wake();
}

void SlowLink::SetSpeed(std::chrono::microseconds delay_each_way, double megabits_per_second) {
  delay_us_ = delay_each_way.count();
  megabits_ = megabits_per_second;
}

}  // namespace rotv::testing
