// An attacker between rotv-sync and a real PostgreSQL: a relay on 127.0.0.1 that may put any messages in the place of
// those that the server sends.

#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace rotv::testing {

// A message of the server in PostgreSQL's protocol, version 3.
struct WireMessage {
  char type = 0;  // 'd' is CopyData, 'D' a DataRow.
  std::string body;
};

class LyingServer {
 public:
  // What the client gets in the place of a message; called by one thread at a time.
  using Lie = std::function<std::vector<WireMessage>(const WireMessage&)>;

  // Relays to 127.0.0.1:target_port, truthfully. There is no TLS on the way.
  explicit LyingServer(int target_port);
  ~LyingServer();
  LyingServer(const LyingServer&) = delete;
  LyingServer& operator=(const LyingServer&) = delete;

  int port() const { return port_; }
  // From now on, on connections that are open as well.
  void Tell(Lie lie);
  void TellTheTruth() { Tell(nullptr); }

  // Lies. A row of COPY, wherever it comes, that is `line`: other bytes in its place, newline and all.
  static Lie InPlaceOfRow(std::string line, std::string bytes);
  // A field of a result that holds `text`: another text in its place.
  static Lie InPlaceOfText(std::string text, std::string other);
  // A message of pgoutput: the messages that `change` makes of it, in frames like its own.
  static Lie OfStream(std::function<std::vector<std::string>(std::string_view)> change);

 private:
  class Relay;
  std::vector<WireMessage> Answer(const WireMessage& message);
  void Accept();

  const int target_port_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  Lie lie_;
  std::vector<std::thread> relays_;  // Of accept_'s thread.
  std::thread accept_;
};

}  // namespace rotv::testing
