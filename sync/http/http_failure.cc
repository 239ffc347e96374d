#include "sync/http/http_failure.h"

#include <fmt/format.h>

namespace rotv::http {
namespace {

enum class Retry {
  kNever,        // Another attempt would fail, too.
  kOnceReached,  // The place or the network may be wrong: only if it has answered before.
  kAlways,       // A connection that was made broke.
};

struct Row {
  CURLcode code;
  Retry retry;
  ErrorCode error;
  const char* message;  // {0} is the host.
  const char* hint;
};

constexpr const char* kTrust =
    "if its certificate is one of your own authority: install that on this machine (update-ca-certificates), or name "
    "its file in AWS_CA_BUNDLE or SSL_CERT_FILE";
constexpr const char* kProxy = "check https_proxy, http_proxy and no_proxy in the environment";
constexpr const char* kNetwork = "check the network and the address in rotv.toml, then run it again";
constexpr const char* kAgain = "run it again: what was done is kept";

constexpr Row kRows[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, Retry::kOnceReached, ErrorCode::kUnreachable, "the proxy for {} is not found",
     kProxy},
    {CURLE_COULDNT_RESOLVE_HOST, Retry::kOnceReached, ErrorCode::kUnreachable, "there is no host {}", kNetwork},
    {CURLE_COULDNT_CONNECT, Retry::kOnceReached, ErrorCode::kUnreachable, "{} cannot be reached", kNetwork},
    {CURLE_OPERATION_TIMEDOUT, Retry::kAlways, ErrorCode::kUnreachable, "{} does not answer any more", kAgain},
    {CURLE_PARTIAL_FILE, Retry::kAlways, ErrorCode::kUnreachable, "{} has broken off its answer", kAgain},
    {CURLE_GOT_NOTHING, Retry::kAlways, ErrorCode::kUnreachable, "{} has closed the connection", kAgain},
    {CURLE_SEND_ERROR, Retry::kAlways, ErrorCode::kUnreachable, "the connection to {} broke", kAgain},
    {CURLE_RECV_ERROR, Retry::kAlways, ErrorCode::kUnreachable, "the connection to {} broke", kAgain},
    {CURLE_HTTP2, Retry::kAlways, ErrorCode::kUnreachable, "the connection to {} broke", kAgain},
    {CURLE_HTTP2_STREAM, Retry::kAlways, ErrorCode::kUnreachable, "the connection to {} broke", kAgain},
    {CURLE_PEER_FAILED_VERIFICATION, Retry::kNever, ErrorCode::kRefused, "{} does not prove that it is that host",
     kTrust},
    {CURLE_SSL_CACERT_BADFILE, Retry::kNever, ErrorCode::kUsage, "the file with trusted authorities cannot be read",
     "check AWS_CA_BUNDLE and SSL_CERT_FILE"},
    {CURLE_SSL_CONNECT_ERROR, Retry::kOnceReached, ErrorCode::kRefused, "{} does not speak TLS as this program does",
     "check the port and the address in rotv.toml"},
    {CURLE_TOO_MANY_REDIRECTS, Retry::kNever, ErrorCode::kProtocol, "{} redirects without end",
     "check the address in rotv.toml"},
    {CURLE_UNSUPPORTED_PROTOCOL, Retry::kNever, ErrorCode::kProtocol, "{} redirects to what is not https",
     "check the address in rotv.toml"},
};

constexpr Row kOther = {CURLE_OK, Retry::kNever, ErrorCode::kUnreachable, "the request to {} failed", kNetwork};
// These have the code of something else.
constexpr Row kCutWithinTls = {CURLE_SSL_CONNECT_ERROR, Retry::kAlways, ErrorCode::kUnreachable,
                               "the connection to {} broke", kAgain};
constexpr Row kNotConnected = {CURLE_OPERATION_TIMEDOUT, Retry::kOnceReached, ErrorCode::kUnreachable,
                               "{} cannot be reached", kNetwork};

const Row& RowOf(const Failure& failure) {
  // Who has spoken TLS before speaks it still.
  if (failure.code == CURLE_SSL_CONNECT_ERROR && failure.was_reached) return kCutWithinTls;
  if (failure.code == CURLE_OPERATION_TIMEDOUT && !failure.is_connected && !failure.was_reached) return kNotConnected;
  for (const Row& row : kRows) {
    if (row.code == failure.code) return row;
  }
  return kOther;
}

}  // namespace

bool MayPass(const Failure& failure) {
  if (failure.proxy_status >= 500) return true;
  if (failure.proxy_status >= 400) return false;
  const Retry retry = RowOf(failure).retry;
  return retry == Retry::kAlways || (retry == Retry::kOnceReached && failure.was_reached);
}

Error ErrorOf(const Failure& failure) {
  if (failure.proxy_status >= 500) {
    return {ErrorCode::kUnreachable,
            fmt::format("the proxy cannot reach {} now: it answers {}", failure.host, failure.proxy_status), kNetwork};
  }
  if (failure.proxy_status >= 400) {
    return {
        ErrorCode::kRefused,
        fmt::format("the proxy does not let this machine reach {}: it answers {}", failure.host, failure.proxy_status),
        failure.proxy_status == 407 ? "give its name and password in https_proxy: http://name:password@proxy:port"
                                    : kProxy};
  }
  const Row& row = RowOf(failure);
  std::string message = fmt::format(fmt::runtime(row.message), failure.host);
  const std::string detail = failure.detail.empty() ? curl_easy_strerror(failure.code) : failure.detail;
  return {row.error, message + " (" + detail + ")", row.hint};
}

}  // namespace rotv::http
