// HTTP through libcurl: requests over connections that are kept open, tried again where that may help.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/context.h"

namespace rotv::http {

// With what AWS and all stores that are like its S3 want a request signed (Signature Version 4).
struct Signature {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // Empty: none.
  std::string region;
};

struct Request {
  std::string method = "GET";
  std::string url = {};
  std::vector<std::string> headers = {};    // "Name: value"
  std::string_view body = {};               // Sent with PUT only.
  const Signature* signature = nullptr;     // Nullptr: not signed.
  uint64_t most_bytes = uint64_t{1} << 20;  // A longer answer throws kCorrupt.
  // For a web server that anybody may have set up: the login that ~/.netrc has for it is sent, and redirects are
  // followed, to https only. What is asked of a cloud's own addresses and of a store has neither.
  enum class From { kService, kWebServer } from = From::kService;
};
// What the page with an error may have beyond the bytes that were asked for.
inline constexpr uint64_t kMostErrorBytes = 64 << 10;

struct Answer {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // By names in lower case.

  // Empty if there is no such header.
  std::string Header(const std::string& name) const;
};

struct Limits {
  int connect_s = 15;
  int stall_s = 60;  // A connection that carries nothing for so long is given up.
  int total_s = 0;   // Of a request; 0: none.
  int retries = 0;   // How often a request is tried again.
  enum class Proxy { kAsTheEnvironmentSays, kNever } proxy = Proxy::kAsTheEnvironmentSays;
};
// Those of the source, as its links have them.
Limits LimitsOf(const Context& context);

// True for an answer that another attempt may not get: too many requests, or the server is in trouble.
bool IsTransient(const Answer& answer);

// Any number of threads may call Send() at once. Each has a connection of its own, which the next call uses again.
class HttpClient {
 public:
  // The context outlives the client.
  HttpClient(const Context& context, const Limits& limits);
  ~HttpClient();

  // Sends the request and returns the answer, whatever its status. A broken connection, and an answer that
  // `try_again` is true for, are tried again, later each time; then the last answer is returned. A first connection
  // that cannot be made is not tried again. Throws kUnreachable if there is no answer, kRefused if the server's
  // certificate does not verify or a proxy refuses, kCorrupt if the answer is too long, kProtocol if it redirects to
  // what is not https, kUsage if the URL has a login in it, kInterrupted.
  Answer Send(const Request& request, const std::function<bool(const Answer&)>& try_again = IsTransient);

 private:
  class Connection;
  void WaitBefore(int attempt, const std::string& reason, std::chrono::milliseconds least);

  const Context& context_;
  const Limits limits_;
  std::atomic<bool> reached_{false};  // A connection was made once.
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // Guarded by mutex_.
};

// True if the URL's host is this machine's loopback address, by its number or as "localhost". False if it has a login.
bool IsLoopback(std::string_view url);
// True if there is an '@' before the path: "https://name:password@host". What looks like the host is a name then.
bool HasLogin(std::string_view url);
// "host" or "host:port" of a URL without a login.
std::string_view HostOf(std::string_view url);
// Everything but letters, digits and "-._~", and `kept`, as %XX.
std::string PercentEncode(std::string_view text, std::string_view kept = "");

}  // namespace rotv::http
