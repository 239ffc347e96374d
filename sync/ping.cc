#include "sync/ping.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/http/http_client.h"

namespace rotv {

void Ping(const Context& context, const std::string& url) {
  const http::Limits limits{.connect_s = 5, .stall_s = 10, .total_s = 10, .retries = 2};
  http::Request request;
  request.url = url;
  const http::Answer answer = http::HttpClient(context, limits).Send(request);
  if (answer.status >= 200 && answer.status < 300) return;
  throw Error(ErrorCode::kProtocol, fmt::format("{} answers {}", http::HostOf(url), answer.status),
              "check the address in rotv.toml");
}

std::string FailureUrl(const std::string& url) {
  const size_t path_end = std::min(url.find_first_of("?#"), url.size());
  const bool has_slash = path_end > 0 && url[path_end - 1] == '/';
  return url.substr(0, path_end) + (has_slash ? "fail" : "/fail") + url.substr(path_end);
}

}  // namespace rotv
