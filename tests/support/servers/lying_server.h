// An attacker between rotv-sync and a real PostgreSQL: a relay on 127.0.0.1 that may replace any message of the server.

#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace rotv::testing {

// A message from the server in PostgreSQL's protocol, version 3.
struct WireMessage {
  char type = 0;  // 'd' is CopyData, 'D' a DataRow.
  std::string body;
};

class LyingServer {
 public:
  // The messages that the client gets in place of one message; called by one thread at a time.
  using Lie = std::function<std::vector<WireMessage>(const WireMessage&)>;

  // Relays to 127.0.0.1:target_port without changes. The connection has no TLS.
  explicit LyingServer(int target_port);
  ~LyingServer();
  LyingServer(const LyingServer&) = delete;
  LyingServer& operator=(const LyingServer&) = delete;

  int port() const { return port_; }
  // Applies `lie` from now on, on open connections too.
  void SetLie(Lie lie);
  void RemoveLie() { SetLie(nullptr); }

  // Replaces each row of COPY that is `line` by other bytes, including the newline.
  static Lie InPlaceOfRow(std::string line, std::string bytes);
  // Replaces a field of a result that contains `text` by another text.
  static Lie InPlaceOfText(std::string text, std::string other);
  // Replaces a message of pgoutput by the messages that `change` returns, in frames like its own.
  static Lie OfStream(std::function<std::vector<std::string>(std::string_view)> change);

 private:
  class Relay;
  std::vector<WireMessage> Replies(const WireMessage& message);
  void Accept();

  const int target_port_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  Lie lie_;
  std::vector<std::thread> relays_;  // Used by accept_'s thread only.
  std::thread accept_;
};

}  // namespace rotv::testing
