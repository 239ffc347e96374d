// What is said when there is no answer: why libcurl has none, in the user's words.

#pragma once

#include <curl/curl.h>

#include <string>

#include "storage/error.h"

namespace rotv::http {

struct Failure {
  CURLcode code = CURLE_OK;
  std::string detail = {};    // libcurl's own words; may be empty.
  std::string host = {};      // "host:port"
  long proxy_status = 0;      // What a proxy has answered in place of a tunnel; 0: nothing.
  bool is_connected = false;  // A new connection was made, to the proxy at least.
  bool was_reached = false;   // The host has answered an earlier request.
};

// True if another attempt may succeed. What was never reached may be a wrong address: nobody should wait for that.
bool MayPass(const Failure& failure);

// Gives kUnreachable, kRefused or kCannotStart.
Error ErrorOf(const Failure& failure);

}  // namespace rotv::http
