// Checks whether a web server on loopback answers.

#pragma once

#include <string>

namespace rotv::launch {

struct HttpResponse {
  int status = 0;       // 0: no answer.
  std::string problem;  // Why there was no answer.

  // True if the application works. One that does not have the path answers too (404).
  bool answers() const { return status > 0 && status < 500; }
  // Why it does not: "status 503", or the problem.
  std::string reason() const { return status > 0 ? "status " + std::to_string(status) : problem; }
};

// Sends GET PATH to http://127.0.0.1:PORT and waits at most two seconds. Uses no proxy, follows no redirect.
HttpResponse ProbeHttp(int port, const std::string& path);

}  // namespace rotv::launch
