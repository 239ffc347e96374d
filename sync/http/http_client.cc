#include "sync/http/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>
#include <thread>

#include "os/process_environment.h"
#include "storage/ascii_case.h"
#include "storage/error.h"
#include "storage/trimmed.h"
#include "sync/context/link_retry.h"
#include "sync/http/http_failure.h"

namespace rotv::http {
namespace {

using std::chrono::milliseconds;

constexpr LinkRetry::Delays kDelays{.first = milliseconds(200), .longest = milliseconds(15'000)};
constexpr milliseconds kLongestAskedFor{60'000};
constexpr int kFirstToTell = 3;

// Only the form with seconds: a date is not worth the clock's trouble.
milliseconds AskedFor(const Answer& answer) {
  const std::string text = answer.Header("retry-after");
  int seconds = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc() || seconds < 0) return {};
  return std::min<milliseconds>(std::chrono::seconds(std::min(seconds, 3600)), kLongestAskedFor);
}

double Chance() {
  static thread_local std::mt19937 random{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// The file with authorities that are trusted besides the machine's own way: AWS's variable, then OpenSSL's.
std::string TrustedAuthorities() {
  const std::string aws = os::TakenVariable("AWS_CA_BUNDLE");
  return aws.empty() ? os::TakenVariable("SSL_CERT_FILE") : aws;
}

struct Receiving {
  Answer answer;
  uint64_t most_bytes = 0;
  bool is_too_long = false;
  bool is_head_whole = false;
  const Interrupt* interrupt = nullptr;
};

size_t TakeBody(char* bytes, size_t, size_t count, void* receiving_pointer) {
  auto* receiving = static_cast<Receiving*>(receiving_pointer);
  if (receiving->answer.body.size() + count > receiving->most_bytes) {
    receiving->is_too_long = true;
    return 0;
  }
  receiving->answer.body.append(bytes, count);
  return count;
}

size_t TakeHeader(char* bytes, size_t, size_t count, void* receiving_pointer) {
  auto* receiving = static_cast<Receiving*>(receiving_pointer);
  const std::string_view line(bytes, count);
  // Of several answers, such as those before a redirect, the last one counts.
  if (line.starts_with("HTTP/")) {
    receiving->answer.headers.clear();
    receiving->is_head_whole = false;
  }
  if (Trimmed(line).empty()) receiving->is_head_whole = true;
  if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    receiving->answer.headers[AsciiLower(line.substr(0, colon))] = Trimmed(line.substr(colon + 1));
  }
  return count;
}

int StopIfInterrupted(void* receiving, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Receiving*>(receiving)->interrupt->requested() ? 1 : 0;
}

}  // namespace

class HttpClient::Connection {
 public:
  Connection() : curl_(curl_easy_init(), curl_easy_cleanup) {
    if (curl_ == nullptr) throw Error(ErrorCode::kBug, "libcurl does not start");
  }

  // Gives nullopt if all went well.
  std::optional<Failure> Perform(const Request& request, const Limits& limits, Receiving* receiving) {
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_reset(curl_.get());  // The connection stays.
    Set(CURLOPT_ERRORBUFFER, detail);
    SetLimits(limits, IsLoopback(request.url));
    const List headers = SetRequest(request);
    Set(CURLOPT_HTTPHEADER, headers.get());
    Set(CURLOPT_WRITEFUNCTION, TakeBody);
    Set(CURLOPT_WRITEDATA, receiving);
    Set(CURLOPT_HEADERFUNCTION, TakeHeader);
    Set(CURLOPT_HEADERDATA, receiving);
    Set(CURLOPT_NOPROGRESS, 0L);
    Set(CURLOPT_XFERINFOFUNCTION, StopIfInterrupted);
    Set(CURLOPT_XFERINFODATA, receiving);
    CURLcode code = curl_easy_perform(curl_.get());
    // To libcurl an answer is complete that ends within its headers: without the length, and without a body.
    if (code == CURLE_OK && !receiving->is_head_whole) code = CURLE_PARTIAL_FILE;
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
      receiving->answer.status = static_cast<int>(status);
      return std::nullopt;
    }
    Failure failure{.code = code, .detail = detail, .host = std::string(HostOf(request.url))};
    curl_easy_getinfo(curl_.get(), CURLINFO_HTTP_CONNECTCODE, &failure.proxy_status);
    curl_off_t connected_after_us = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONNECT_TIME_T, &connected_after_us);
    failure.is_connected = connected_after_us > 0;
    return failure;
  }

 private:
  using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

  template <typename Value>
  void Set(CURLoption option, Value value) {
    if (curl_easy_setopt(curl_.get(), option, value) != CURLE_OK) {
      throw Error(ErrorCode::kBug, fmt::format("libcurl does not know its option {}", static_cast<int>(option)));
    }
  }

  void SetLimits(const Limits& limits, bool loopback) {
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_PROTOCOLS_STR, "https,http");
    Set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(limits.connect_s));
    Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.stall_s));
    Set(CURLOPT_TIMEOUT, static_cast<long>(limits.total_s));
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A name server that does not answer holds up no interrupt. The library at run time may be older: then it does.
    (void)curl_easy_setopt(curl_.get(), CURLOPT_QUICK_EXIT, 1L);
#endif
    if (loopback || limits.proxy == Limits::Proxy::kNever) Set(CURLOPT_PROXY, "");
    if (const std::string authorities = TrustedAuthorities(); !authorities.empty()) {
      Set(CURLOPT_CAINFO, authorities.c_str());
    }
  }

  List SetRequest(const Request& request) {
    Set(CURLOPT_URL, request.url.c_str());
    Set(CURLOPT_USERAGENT, "rotv-sync");
    List headers(nullptr, curl_slist_free_all);
    const auto add = [&](const std::string& line) {
      curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
      if (longer == nullptr) throw Error(ErrorCode::kBug, "libcurl takes no header");
      (void)headers.release();
      headers.reset(longer);
    };
    for (const std::string& line : request.headers) add(line);
    if (request.method == "PUT") {
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      Set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
      add("Content-Type: application/octet-stream");
    }
    if (request.method != "GET") Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.from == Request::From::kWebServer) {
      Set(CURLOPT_FOLLOWLOCATION, 1L);
      Set(CURLOPT_MAXREDIRS, 5L);
      Set(CURLOPT_REDIR_PROTOCOLS_STR, "https");
      Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    }
    if (request.signature == nullptr) return headers;
    const Signature& signature = *request.signature;
    Set(CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:s3", signature.region).c_str());
    Set(CURLOPT_USERNAME, signature.access_key.c_str());
    Set(CURLOPT_PASSWORD, signature.secret_key.c_str());
    if (!signature.session_token.empty()) add("x-amz-security-token: " + signature.session_token);
    return headers;
  }

  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
};

std::string Answer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Limits LimitsOf(const Context& context) {
  return {.stall_s = context.source.stall_timeout_s, .retries = context.retry ? context.source.retries : 0};
}

bool IsTransient(const Answer& answer) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    if (answer.status == status) return true;
  }
  return false;
}

HttpClient::HttpClient(const Context& context, const Limits& limits) : context_(context), limits_(limits) {
  static const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kInitialised != CURLE_OK) throw Error(ErrorCode::kBug, "libcurl does not start");
}

HttpClient::~HttpClient() = default;

Answer HttpClient::Send(const Request& request, const std::function<bool(const Answer&)>& try_again) {
  if (HasLogin(request.url)) {
    throw Error(ErrorCode::kUsage, "an address has a login in it", "give the address without what is before its '@'");
  }
  std::unique_ptr<Connection> connection;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (connection == nullptr) connection = std::make_unique<Connection>();
  for (int attempt = 1;; ++attempt) {
    context_.interrupt.Check();
    const bool is_last = attempt > limits_.retries;
    Receiving receiving{.answer = {}, .most_bytes = request.most_bytes, .interrupt = &context_.interrupt};
    std::optional<Failure> failure = connection->Perform(request, limits_, &receiving);
    if (receiving.is_too_long) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("{} answers with more than {} bytes, which is not what was published",
                              HostOf(request.url), request.most_bytes),
                  "publish once more, on the machine that follows the source");
    }
    if (!failure) {
      reached_ = true;
      if (is_last || !try_again(receiving.answer)) {
        const std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(std::move(connection));
        return std::move(receiving.answer);
      }
      WaitBefore(attempt, fmt::format("{} answers {}", HostOf(request.url), receiving.answer.status),
                 AskedFor(receiving.answer));
      continue;
    }
    context_.interrupt.Check();
    failure->was_reached = reached_;
    const Error error = ErrorOf(*failure);
    if (is_last || !MayPass(*failure)) throw error;
    WaitBefore(attempt, error.what(), {});
  }
}

void HttpClient::WaitBefore(int attempt, const std::string& reason, milliseconds least) {
  // A store refuses some requests of many as a matter of course; whoever waits for seconds wants to know why.
  const std::string line = fmt::format("{}; trying again, {} of {}", reason, attempt, limits_.retries);
  attempt < kFirstToTell ? context_.progress.Note(line) : context_.progress.Warn(line);
  const auto end = std::chrono::steady_clock::now() + std::max(least, DelayBefore(attempt, kDelays, Chance()));
  for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now()) {
    context_.interrupt.Check();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(milliseconds(50), end - now));
  }
}

std::string_view HostOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

bool HasLogin(std::string_view url) { return HostOf(url).find('@') != std::string_view::npos; }

bool IsLoopback(std::string_view url) {
  std::string_view host = HostOf(url);
  if (HasLogin(url)) return false;
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  // Four numbers, the first of which is 127: a name may begin with it, too.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string PercentEncode(std::string_view text, std::string_view kept) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos ||
                          kept.find(c) != std::string_view::npos;
    if (is_plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace rotv::http
