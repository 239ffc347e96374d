// What may be between a program and an HTTP server: a relay on 127.0.0.1 that sees each request, and may answer it
// itself, cut it off, or let it hang. Without a server behind it, it is a small server. Every function may be called
// from any thread.

#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rotv::testing {

struct SeenRequest {
  std::string method;
  std::string target;                          // "/bucket/key?query"
  std::map<std::string, std::string> headers;  // By names in lower case.
  std::string body;
};

struct Reaction {
  enum class Kind {
    kPass,        // To the server, and its answer to the client.
    kAnswer,      // With `status`, `headers` and `body`.
    kCut,         // The connection is closed without an answer.
    kCutAnswer,   // The server does it; the client gets half of the body, or of the headers if there is none.
    kLoseAnswer,  // The server does it; the client gets no answer.
    kHang,        // No answer, and nothing is closed.
  };
  Kind kind = Kind::kPass;
  int status = 200;
  std::map<std::string, std::string> headers = {};
  std::string body = {};
};

class HttpRelay {
 public:
  using React = std::function<Reaction(const SeenRequest&)>;

  // Passes everything on to 127.0.0.1:target_port; with 0, the reaction is what the server's answer would be. Listens
  // on return.
  explicit HttpRelay(int target_port, React react = {});
  ~HttpRelay();
  HttpRelay(const HttpRelay&) = delete;
  HttpRelay& operator=(const HttpRelay&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Called for each request from now on, by one thread at a time.
  void SetReaction(React react);
  // The requests since the start or the last call, in their order.
  std::vector<SeenRequest> TakeSeen();
  // Returns once no request of a client that has ended is on its way to the server: all connections that were made
  // before this must be closed by their clients, or about to be.
  void WaitUntilIdle();
  // How many connections clients have made.
  int connections() const { return connections_; }

 private:
  class Exchange;
  Reaction ReactTo(const SeenRequest& request);
  void Accept();

  const int target_port_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  React react_;
  std::vector<SeenRequest> seen_;
  std::mutex sockets_mutex_;
  std::condition_variable socket_ended_;
  std::list<int> sockets_;            // Those of clients that are served, to be shut down at the end.
  std::vector<std::thread> threads_;  // Used by accept_'s thread only.
  std::thread accept_;
};

}  // namespace rotv::testing
