// Checks whether a web server on loopback answers.

#pragma once

#include <string>

namespace rotv::launch {

struct HttpResponse {
  int status = 0;       // 0: no answer.
  std::string problem;  // Why there was no answer.
};

// Sends GET PATH to http://127.0.0.1:PORT and waits at most two seconds. Uses no proxy, follows no redirect.
HttpResponse ProbeHttp(int port, const std::string& path);

}  // namespace rotv::launch
