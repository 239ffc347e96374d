#include "sync/remote/aws_role.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "os/text_file.h"
#include "storage/error.h"
#include "sync/http/http_client.h"

namespace rotv::remote {
namespace {

// Who does not answer at once is not there: on most machines nobody has these addresses.
constexpr http::Limits kNear{
    .connect_s = 1, .stall_s = 2, .total_s = 2, .retries = 0, .proxy = http::Limits::Proxy::kNever};
constexpr const char* kContainerHost = "http://169.254.170.2";
constexpr const char* kMachineHost = "http://169.254.169.254";

// Credentials go to nobody else over plain HTTP.
bool IsContainerHost(const std::string& url) {
  if (http::HasLogin(url)) return false;  // What is before its '@' may look like one of these.
  if (url.starts_with("https://") || (url.starts_with("http://") && http::IsLoopback(url))) return true;
  for (const char* host : {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
    const std::string begin = fmt::format("http://{}", host);
    if (url.starts_with(begin + "/") || url.starts_with(begin + ":")) return true;
  }
  return false;
}

std::string Token(const os::Environment& environment) {
  const std::string file = os::Variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = file.empty() ? os::Variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
                                   : os::ReadTextFile(file).value_or("");
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return token;
}

// It is sent back as a header.
bool IsToken(const std::string& text) {
  return !text.empty() && text.size() <= 1024 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::optional<AwsCredentials> ContainerRole(const Context& context, const os::Environment& environment) {
  const std::string relative = os::Variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = os::Variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  http::Request request{.url = relative.empty() ? full : kContainerHost + relative};
  if (!IsContainerHost(request.url)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("AWS_CONTAINER_CREDENTIALS_{}_URI leads neither to https nor to this machine",
                            relative.empty() ? "FULL" : "RELATIVE"),
                "correct it: credentials would be readable on the way");
  }
  if (const std::string token = Token(environment); !token.empty()) request.headers = {"Authorization: " + token};
  http::Limits limits = kNear;
  limits.retries = 2;
  http::HttpClient client(context, limits);
  const http::Answer answer = client.Send(request);
  if (answer.status != 200) {
    throw Error(
        ErrorCode::kRefused,
        fmt::format("the container's role has no credentials: {} answers {}", http::HostOf(request.url), answer.status),
        "give the task or the pod a role that may use the bucket");
  }
  return ParseCredentials(answer.body, "the container's role");
}

std::optional<AwsCredentials> MachineRole(const Context& context, const os::Environment& environment) {
  if (os::Variable(environment, "AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  std::string host = os::Variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (host.empty()) host = kMachineHost;
  while (host.ends_with('/')) host.pop_back();
  http::HttpClient client(context, kNear);
  try {
    const http::Answer token = client.Send({.method = "PUT",
                                            .url = host + "/latest/api/token",
                                            .headers = {"x-aws-ec2-metadata-token-ttl-seconds: 21600"}});
    if (token.status != 200 || !IsToken(token.body)) return std::nullopt;
    const std::vector<std::string> headers = {"x-aws-ec2-metadata-token: " + token.body};
    const std::string place = host + "/latest/meta-data/iam/security-credentials/";
    const http::Answer role = client.Send({.url = place, .headers = headers});
    if (role.status != 200) return std::nullopt;
    const std::string name = role.body.substr(0, role.body.find_first_of("\r\n"));
    const http::Answer answer = client.Send({.url = place + http::PercentEncode(name), .headers = headers});
    if (answer.status != 200) return std::nullopt;
    return ParseCredentials(answer.body, "the machine's role");
  } catch (const Error& error) {
    // In a network that has all addresses answered by a page to log in, something else answers here.
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kUsage) throw;
    return std::nullopt;
  }
}

}  // namespace rotv::remote
