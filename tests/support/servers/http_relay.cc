#include "tests/support/servers/http_relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "tests/support/servers/loopback.h"

namespace rotv::testing {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

// One side of a connection. It closes the socket at its end.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Reads up to and including the empty line; false if the peer has gone.
  bool ReadHead(std::string* head) {
    size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return false;
    }
    *head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    return true;
  }

  bool Read(size_t count, std::string* bytes) {
    while (buffer_.size() < count) {
      if (!Fill()) return false;
    }
    *bytes += buffer_.substr(0, count);
    buffer_.erase(0, count);
    return true;
  }

  bool ReadLine(std::string* bytes, std::string* line) {
    size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!Fill()) return false;
    }
    *line = buffer_.substr(0, end);
    return Read(end + 2, bytes);
  }

  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Until the peer has gone, or the relay shuts the socket down.
  void WaitForEnd() {
    while (Fill()) buffer_.clear();
  }

 private:
  bool Fill() {
    char bytes[1 << 16];
    const ssize_t count = read(fd_, bytes, sizeof bytes);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  const int fd_;
  std::string buffer_;
};

std::map<std::string, std::string> HeadersOf(const std::string& head) {
  std::map<std::string, std::string> headers;
  for (size_t line = head.find("\r\n") + 2; line < head.size();) {
    const size_t end = head.find("\r\n", line);
    const size_t colon = head.find(':', line);
    if (colon < end) {
      const size_t value = std::min(head.find_first_not_of(' ', colon + 1), end);
      headers[Lower(head.substr(line, colon - line))] = head.substr(value, end - value);
    }
    line = end + 2;
  }
  return headers;
}

size_t LengthIn(const std::map<std::string, std::string>& headers) {
  const auto found = headers.find("content-length");
  return found == headers.end() ? 0 : std::stoul(found->second);
}

bool ReadChunks(Peer& peer, std::string* bytes) {
  for (size_t size = 1; size > 0;) {
    std::string line;
    if (!peer.ReadLine(bytes, &line)) return false;
    size = std::stoul(line, nullptr, 16);
    if (!peer.Read(size + 2, bytes)) return false;
  }
  return true;
}

// An answer as it came.
std::optional<std::string> ReadAnswer(Peer& server) {
  std::string answer;
  if (!server.ReadHead(&answer)) return std::nullopt;
  const std::map<std::string, std::string> headers = HeadersOf(answer);
  const int status = std::stoi(answer.substr(answer.find(' ') + 1));
  if (status == 204 || status == 304) return answer;
  const auto coding = headers.find("transfer-encoding");
  const bool whole = coding != headers.end() ? ReadChunks(server, &answer) : server.Read(LengthIn(headers), &answer);
  return whole ? std::optional(answer) : std::nullopt;
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

// What goes on with one client.
class HttpRelay::Exchange {
 public:
  Exchange(HttpRelay& relay, int client) : relay_(relay), client_(client) {}

  void Run() {
    std::string head;
    while (client_.ReadHead(&head)) {
      SeenRequest request = Parse(head);
      // The client waits for this before a large body, and the server is not asked.
      if (request.headers.erase("expect") > 0 && !client_.Send("HTTP/1.1 100 Continue\r\n\r\n")) return;
      if (!client_.Read(LengthIn(request.headers), &request.body)) return;
      if (!Handle(request, relay_.ReactTo(request), head)) return;
    }
  }

 private:
  static SeenRequest Parse(const std::string& head) {
    const size_t method = head.find(' ');
    const size_t target = head.find(' ', method + 1);
    return {.method = head.substr(0, method),
            .target = head.substr(method + 1, target - method - 1),
            .headers = HeadersOf(head),
            .body = ""};
  }

  // Returns false if the connection is over.
  bool Handle(const SeenRequest& request, const Reaction& reaction, const std::string& head) {
    using Kind = Reaction::Kind;
    if (reaction.kind == Kind::kCut) return false;
    if (reaction.kind == Kind::kHang) {
      client_.WaitForEnd();
      return false;
    }
    if (reaction.kind == Kind::kAnswer) return client_.Send(Text(reaction));
    const std::optional<std::string> answer = relay_.target_port_ == 0 ? Text(reaction) : Pass(request, head);
    if (!answer || reaction.kind == Kind::kLoseAnswer) return false;
    if (reaction.kind == Kind::kPass) return client_.Send(*answer);
    const size_t body = answer->find("\r\n\r\n") + 4;
    client_.Send(answer->substr(0, body == answer->size() ? body / 2 : body + (answer->size() - body) / 2));
    return false;
  }

  static std::string Text(const Reaction& reaction) {
    std::string text = fmt::format("HTTP/1.1 {} Said\r\nContent-Length: {}\r\n", reaction.status, reaction.body.size());
    for (const auto& [name, value] : reaction.headers) text += fmt::format("{}: {}\r\n", name, value);
    return text + "\r\n" + reaction.body;
  }

  std::optional<std::string> Pass(const SeenRequest& request, std::string head) {
    if (const size_t expect = Lower(head).find("\r\nexpect:"); expect != std::string::npos) {
      head.erase(expect, head.find("\r\n", expect + 2) - expect);
    }
    // The server may have closed a connection that was idle.
    for (const bool is_new : {server_ == nullptr, true}) {
      if (is_new) {
        const int fd = ConnectTo(relay_.target_port_);
        if (fd < 0) return std::nullopt;
        server_ = std::make_unique<Peer>(fd);
      }
      if (!server_->Send(head) || !server_->Send(request.body)) continue;
      if (std::optional<std::string> answer = ReadAnswer(*server_)) return answer;
      if (is_new) break;
    }
    server_ = nullptr;
    return std::nullopt;
  }

  HttpRelay& relay_;
  Peer client_;
  std::unique_ptr<Peer> server_;
};

HttpRelay::HttpRelay(int target_port, React react) : target_port_(target_port), react_(std::move(react)) {
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (listen_fd_ < 0 || bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listen_fd_, 100) != 0 || getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("http relay: " + std::generic_category().message(errno));
  }
  port_ = ntohs(address.sin_port);
  accept_ = std::thread([this] { Accept(); });
}

HttpRelay::~HttpRelay() {
  stop_ = true;
  shutdown(listen_fd_, SHUT_RDWR);
  {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    for (const int fd : sockets_) shutdown(fd, SHUT_RDWR);
  }
  accept_.join();
  close(listen_fd_);
}

void HttpRelay::SetReaction(React react) {
  const std::lock_guard<std::mutex> lock(mutex_);
  react_ = std::move(react);
}

std::vector<SeenRequest> HttpRelay::TakeSeen() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(seen_, {});
}

void HttpRelay::WaitUntilIdle() {
  // Connections are accepted in their order: once this one has been served, so is or was any before it.
  const int fd = ConnectTo(port_);
  if (fd < 0) throw std::runtime_error("http relay: it does not listen any more");
  Peer last(fd);
  shutdown(fd, SHUT_WR);
  last.WaitForEnd();
  std::unique_lock<std::mutex> lock(sockets_mutex_);
  socket_ended_.wait(lock, [&] { return sockets_.empty(); });
}

Reaction HttpRelay::ReactTo(const SeenRequest& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  seen_.push_back(request);
  return react_ ? react_(request) : Reaction();
}

void HttpRelay::Accept() {
  while (true) {
    const int client = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) break;
    ++connections_;
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    if (stop_) {
      close(client);
      break;
    }
    const auto place = sockets_.insert(sockets_.end(), client);
    threads_.emplace_back([this, client, place] {
      Exchange exchange(*this, client);
      exchange.Run();
      // Closed only then: until then the number is of this socket.
      const std::lock_guard<std::mutex> lock_at_end(sockets_mutex_);
      sockets_.erase(place);
      socket_ended_.notify_all();
    });
  }
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace rotv::testing
