#include "sync/remote/s3_client.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <utility>

#include "os/random_text.h"
#include "sync/remote/s3_error.h"

namespace rotv::remote {
namespace {

// The file first, then AWS's variables, then the profile.
S3Options Completed(S3Options options, const os::Environment& environment, const AwsProfile& profile) {
  const auto first_of = [&](std::vector<const char*> variables, const char* setting) -> std::string {
    for (const char* variable : variables) {
      if (std::string value = os::Variable(environment, variable); !value.empty()) return value;
    }
    const auto found = profile.find(setting);
    return found == profile.end() ? "" : found->second;
  };
  if (options.region.empty()) options.region = first_of({"AWS_REGION", "AWS_DEFAULT_REGION"}, "region");
  if (options.region.empty()) options.region = "us-east-1";
  if (options.endpoint.empty())
    options.endpoint = first_of({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, "endpoint_url");
  return options;
}

// The store compares it: what was damaged on the way never becomes an object.
std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::string text;
  for (const unsigned char byte : hash) {
    text += os::kHexDigits[byte >> 4];
    text += os::kHexDigits[byte & 15];
  }
  return text;
}

}  // namespace

S3Client::S3Client(const std::string& url, S3Options options, const os::Environment& environment,
                   const Context& context)
    : environment_(environment),
      profile_(ReadAwsProfile(environment_)),
      address_(url, Completed(std::move(options), environment_, profile_)),
      credentials_(context, environment_, profile_),
      client_(context, http::LimitsOf(context)) {}

http::Answer S3Client::Send(const Call& call) {
  const AwsCredentials credentials = credentials_.Get();
  http::Answer answer = SendAs(credentials, call);
  const std::string code = S3Code(answer);
  if (code != "ExpiredToken" && code != "TokenRefreshRequired" && code != "InvalidToken") return answer;
  return credentials_.Renew(credentials) ? SendAs(credentials_.Get(), call) : answer;
}

http::Answer S3Client::SendAs(const AwsCredentials& credentials, const Call& call) {
  const http::Signature signature{.access_key = credentials.access_key,
                                  .secret_key = credentials.secret_key,
                                  .session_token = credentials.session_token,
                                  .region = address_.region()};
  http::Request request{.method = call.method,
                        .url = call.url,
                        .headers = call.headers,
                        .body = call.body,
                        .signature = &signature,
                        .most_bytes = call.most_bytes};
  request.headers.push_back("x-amz-content-sha256: " + Sha256(call.body));
  if (!call.is_copy) return client_.Send(request, IsTransientS3);
  return AnswerOfCopy(
      client_.Send(request, [](const http::Answer& answer) { return IsTransientS3(AnswerOfCopy(answer)); }));
}

void S3Client::Fail(const http::Answer& answer, const std::string& action) const {
  throw S3Error(answer, address_, action);
}

}  // namespace rotv::remote
