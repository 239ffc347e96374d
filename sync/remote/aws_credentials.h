// What an S3 store knows somebody by.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rotv::remote {

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;              // Empty: none.
  std::optional<int64_t> expires_s = {};  // Since 1970.
};

// What a credential_process prints and what roles answer, in JSON. `found_in` is where, for messages. Throws kRefused
// if it is something else.
AwsCredentials ParseCredentials(std::string_view json, const std::string& found_in);

}  // namespace rotv::remote
