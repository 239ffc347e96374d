#include "tests/support/servers/lying_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "storage/handle.h"
#include "tests/support/servers/loopback.h"

namespace rotv::testing {
namespace {

constexpr int kPollMs = 50;
constexpr uint32_t kSslRequest = 80877103, kGssRequest = 80877104;
constexpr size_t kFrameHeader = 25;  // The header of XLogData.

uint32_t Number(std::string_view bytes) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return ntohl(number);
}

std::string Bytes(size_t number) {
  const uint32_t bytes = htonl(static_cast<uint32_t>(number));
  return {reinterpret_cast<const char*>(&bytes), sizeof bytes};
}

// False if the peer has closed the connection.
bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

// One connection.
class LyingServer::Relay {
 public:
  Relay(LyingServer& server, int client) : server_(server), client_(client) {
    server_fd_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(server.target_port_);
    connected_ = connect(server_fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  void Run() {
    while (connected_ && !server_.stop_) {
      pollfd fds[] = {{client_.get(), POLLIN, 0}, {server_fd_.get(), POLLIN, 0}};
      poll(fds, 2, kPollMs);
      if (fds[0].revents != 0 && !(Take(client_.get(), &from_client_) && PassRequests())) return;
      if (fds[1].revents != 0 && !(Take(server_fd_.get(), &from_server_) && PassMessages())) return;
    }
  }

 private:
  static bool Take(int fd, std::string* bytes) {
    char buffer[65536];
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got > 0) bytes->append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  bool PassRequests() {
    if (!begun_) {
      if (from_client_.size() < 8) return true;
      const uint32_t code = Number(std::string_view(from_client_).substr(4));
      if (code == kSslRequest || code == kGssRequest) {
        from_client_.erase(0, 8);
        return SendAll(client_.get(), "N");
      }
      begun_ = true;
    }
    return SendAll(server_fd_.get(), std::exchange(from_client_, {}));
  }

  bool PassMessages() {
    std::string out;
    size_t at = 0;
    while (from_server_.size() - at >= 5) {
      const size_t size = 1 + Number(std::string_view(from_server_).substr(at + 1));
      if (from_server_.size() - at < size) break;
      for (const WireMessage& message : server_.Replies({from_server_[at], from_server_.substr(at + 5, size - 5)})) {
        out += message.type + Bytes(message.body.size() + 4) + message.body;
      }
      at += size;
    }
    from_server_.erase(0, at);
    return SendAll(client_.get(), out);
  }

  LyingServer& server_;
  FileDescriptor client_, server_fd_;
  std::string from_client_, from_server_;
  bool connected_ = false;
  bool begun_ = false;
};

LyingServer::LyingServer(int target_port) : target_port_(target_port) {
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (listen_fd_ < 0 || bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listen_fd_, 100) != 0 || getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("the lying server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  accept_ = std::thread([this] { Accept(); });
}

LyingServer::~LyingServer() {
  stop_ = true;
  accept_.join();
  for (std::thread& relay : relays_) relay.join();
  close(listen_fd_);
}

void LyingServer::Accept() {
  while (!stop_) {
    pollfd fd{listen_fd_, POLLIN, 0};
    if (poll(&fd, 1, kPollMs) <= 0) continue;
    const int client = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) relays_.emplace_back([this, client] { Relay(*this, client).Run(); });
  }
}

void LyingServer::SetLie(Lie lie) {
  std::lock_guard lock(mutex_);
  lie_ = std::move(lie);
}

std::vector<WireMessage> LyingServer::Replies(const WireMessage& message) {
  std::lock_guard lock(mutex_);
  return lie_ ? lie_(message) : std::vector<WireMessage>{message};
}

LyingServer::Lie LyingServer::InPlaceOfRow(std::string line, std::string bytes) {
  return [line = line + "\n", bytes = std::move(bytes)](const WireMessage& message) -> std::vector<WireMessage> {
    if (message.type == 'd' && message.body == line) return {{'d', bytes}};
    return {message};
  };
}

LyingServer::Lie LyingServer::InPlaceOfText(std::string text, std::string other) {
  return [text = std::move(text), other = std::move(other)](const WireMessage& message) -> std::vector<WireMessage> {
    if (message.type != 'D' || message.body.find(text) == std::string::npos) return {message};
    WireMessage lie{'D', message.body.substr(0, 2)};
    for (size_t at = 2; at < message.body.size();) {
      const uint32_t size = Number(std::string_view(message.body).substr(at));
      at += 4;
      std::string field = size == UINT32_MAX ? "" : message.body.substr(at, size);
      at += field.size();
      if (const size_t found = field.find(text); found != std::string::npos) field.replace(found, text.size(), other);
      lie.body += (size == UINT32_MAX ? Bytes(size) : Bytes(field.size())) + field;
    }
    return {lie};
  };
}

LyingServer::Lie LyingServer::OfStream(std::function<std::vector<std::string>(std::string_view)> change) {
  return [change = std::move(change)](const WireMessage& message) -> std::vector<WireMessage> {
    if (message.type != 'd' || !message.body.starts_with('w') || message.body.size() <= kFrameHeader) return {message};
    std::vector<WireMessage> lies;
    for (const std::string& payload : change(std::string_view(message.body).substr(kFrameHeader))) {
      lies.push_back({'d', message.body.substr(0, kFrameHeader) + payload});
    }
    return lies;
  };
}

}  // namespace rotv::testing
