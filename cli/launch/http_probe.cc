#include "cli/launch/http_probe.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace rotv::launch {

HttpResponse ProbeHttp(int port, const std::string& path) {
  static const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_NOTHING);
  std::unique_ptr<CURL, void (*)(CURL*)> request(curl_easy_init(), curl_easy_cleanup);
  if (kInitialised != CURLE_OK || request == nullptr) return {0, "libcurl does not start"};
  curl_easy_setopt(request.get(), CURLOPT_URL, fmt::format("http://127.0.0.1:{}{}", port, path).c_str());
  curl_easy_setopt(request.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(request.get(), CURLOPT_TIMEOUT_MS, 2000L);
  curl_easy_setopt(request.get(), CURLOPT_NOSIGNAL, 1L);
  auto ignore = [](char*, size_t size, size_t count, void*) { return size * count; };
  curl_easy_setopt(request.get(), CURLOPT_WRITEFUNCTION, static_cast<curl_write_callback>(ignore));
  CURLcode result = curl_easy_perform(request.get());
  if (result != CURLE_OK) return {0, curl_easy_strerror(result)};
  long status = 0;
  curl_easy_getinfo(request.get(), CURLINFO_RESPONSE_CODE, &status);
  return {static_cast<int>(status), ""};
}

}  // namespace rotv::launch
