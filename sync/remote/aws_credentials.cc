#include "sync/remote/aws_credentials.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "storage/error.h"
#include "sync/remote/s3_xml.h"

namespace rotv::remote {

AwsCredentials ParseCredentials(std::string_view json, const std::string& found_in) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  const auto text = [&](const char* name) -> std::string {
    const auto found = document.is_object() ? document.find(name) : document.end();
    return document.is_object() && found != document.end() && found->is_string() ? found->get<std::string>() : "";
  };
  AwsCredentials credentials{.access_key = text("AccessKeyId"),
                             .secret_key = text("SecretAccessKey"),
                             .session_token = text("SessionToken"),
                             .expires_s = ParseTime(text("Expiration"))};
  if (credentials.session_token.empty()) credentials.session_token = text("Token");
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    throw Error(ErrorCode::kRefused, fmt::format("{} gives no AccessKeyId and SecretAccessKey", found_in),
                "it should print JSON as AWS's documentation has it: {\"Version\": 1, \"AccessKeyId\": …}");
  }
  return credentials;
}

}  // namespace rotv::remote
