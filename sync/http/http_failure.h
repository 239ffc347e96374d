// What is said when there is no answer: why libcurl has none, in the user's words.

#pragma once

#include <curl/curl.h>

#include <string>

#include "storage/error.h"

namespace rotv::http {

struct Failure {
  CURLcode code = CURLE_OK;
  std::string detail;     // libcurl's own words; may be empty.
  std::string host;       // "host:port"
  long proxy_status = 0;  // What a proxy has answered in place of a tunnel; 0: nothing.
};

enum class Retry {
  kNever,        // Another attempt would fail, too.
  kOnceReached,  // The place or the network may be wrong: only if it has answered before.
  kAlways,       // A connection that was made broke.
};
Retry RetryOf(const Failure& failure);

// Gives kUnreachable, kRefused or kCannotStart.
Error ErrorOf(const Failure& failure);

}  // namespace rotv::http
