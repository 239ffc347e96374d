// Asks a web server on loopback whether it answers.

#pragma once

#include <string>

namespace rotv::launch {

struct HttpResponse {
  int status = 0;       // 0: no answer.
  std::string problem;  // Why there was none.
};

// GET http://127.0.0.1:PORT PATH, for at most two seconds; no proxy, no redirect followed.
HttpResponse ProbeHttp(int port, const std::string& path);

}  // namespace rotv::launch
